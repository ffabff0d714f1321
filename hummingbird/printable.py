# SPDX-License-Identifier: Apache-2.0
"""Text that a terminal, a log and a table show and do not obey.

What a host or a client says may hold what a terminal acts on: an escape sequence that sets
its title or types for its user (ECMA-48), the eight-bit forms of these (C1), characters that
turn the order of what follows (Unicode TR 9), and line ends, by which one row becomes two.
Each of these is shown by its number instead, in the form that JSON has for it, so that JSON
text which passes here says the same afterwards.
"""

from typing import Final

_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str, *, keep: str = "") -> str:
    """Return `text` with each character that is not printable shown as \\uXXXX.

    Printable is what Python calls so (str.isprintable): no control or format character,
    no separator but the blank, no half of a surrogate pair, nothing unassigned.

    :param keep: characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in keep else _shown(one) for one in text
    )


def _shown(one: str) -> str:
    number = ord(one)
    return _SHORT.get(one) or (
        f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    )
