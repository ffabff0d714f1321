# SPDX-License-Identifier: Apache-2.0
"""Imports what we use of a library, and not all that it would bring along.

What is once imported stays for the life of the process.  Some libraries import every
part that they have, or every neighbour that they find; here is how one part is had alone,
by the two means that Python's import system documents for it (reference, chapter 5): a
None in `sys.modules` is a module that can't be found, and a package's parts are found by
its `__path__`, whether or not its own code has run.

Decision 18 says what it saves, and tests/contract/test_imports.py what must stay away.
"""

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports inside find no such packages, as if they weren't installed.

    For a library that imports each of its optional neighbours that it finds.  A package
    that was imported before stays visible; afterwards all can be imported as ever.  Other
    threads see the same meanwhile: use it where a program is loaded, not while it runs.
    """
    hidden: dict[str, Any] = {name: None for name in names if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def package_alone(name: str) -> None:
    """Make the package `name` known without running its own code, its `__init__`.

    Its parts can then be imported one by one (`from name.part import Thing`).  Who asks
    the package itself for something that is not one of its parts has all of it loaded
    after all: nothing that worked stops working.  Does nothing where it was imported.

    :raises ModuleNotFoundError: there is no such package.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    package = module_from_spec(spec)
    package.__dict__["__getattr__"] = _asker(package, spec.loader)
    sys.modules.setdefault(name, package)


def _asker(package: ModuleType, loader: Loader) -> Callable[[str], Any]:
    """Return what is called for an attribute that the package hasn't (PEP 562)."""
    loading: set[int] = set()

    def ask(attribute: str) -> Any:
        part = f"{package.__name__}.{attribute}"
        if find_spec(part) is not None:
            return importlib.import_module(part)
        thread = threading.get_ident()
        if thread in loading:
            raise AttributeError(f"there is no {part} yet")
        loading.add(thread)
        try:
            loader.exec_module(package)
        finally:
            loading.discard(thread)
        package.__dict__.pop("__getattr__", None)
        return getattr(package, attribute)

    return ask
