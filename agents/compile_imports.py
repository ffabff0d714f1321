# SPDX-License-Identifier: Apache-2.0
"""`compile_imports MODULE`: writes the bytecode of all that MODULE imports.

Part of an image's build. The bytecode does not look at its source's time again, which
may change on a file's way through the layers of an image.
"""

import importlib
import py_compile
import sys

LATER = ("encodings.idna", "runpy")
"""Imported by the interpreter itself: when a host is looked up, and for `-m`."""


def main() -> None:
    """Import the module, compile what that brought in."""
    for name in (sys.argv[1], *LATER):
        importlib.import_module(name)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py"):
            py_compile.compile(
                path,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )


if __name__ == "__main__":
    main()
