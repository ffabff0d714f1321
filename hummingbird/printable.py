# SPDX-License-Identifier: Apache-2.0
"""Text that a terminal, a log and a table show and do not obey.

What a host or a client says may hold what a terminal acts on: an escape sequence that sets
its title or types for its user (ECMA-48), the eight-bit forms of these (C1), characters that
turn the order of what follows (Unicode TR 9), and line ends, by which one row becomes two.
Each of these is shown by its number instead, in the form that JSON has for it, so that JSON
text which passes here says the same afterwards.

What is kept of hosts and clients has none of it (`plain`): not every program that shows it
is ours. `printable` is for whoever shows something.
"""

import re
from typing import Any, Final

_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

REPLACEMENT: Final = "\ufffd"
_OBEYED_BUT_LINES: Final = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
)
OBEYED: Final = rf"\t\n\r{_OBEYED_BUT_LINES}"
"""The characters that a terminal acts on, that end a line, or turn the order of text, as
they stand between a regular expression's brackets. Halves of surrogate pairs are no text."""
_ANY: Final = re.compile(f"[{OBEYED}]")
_ANY_BUT_LINES: Final = re.compile(f"[\r{_OBEYED_BUT_LINES}]")


def plain(text: str, *, has_lines: bool = False) -> str:
    """Return `text` with each of these characters replaced by one that says so; it is as
    long as before.

    :param has_lines: whether line feeds and tabs stay.
    """
    if text.isprintable():
        return text
    return (_ANY_BUT_LINES if has_lines else _ANY).sub(REPLACEMENT, text)


def is_plain(text: str) -> bool:
    """Whether `text` has none of these characters."""
    return text.isprintable() or _ANY.search(text) is None


def plain_content(content: Any) -> Any:
    """Return JSON content with plain texts and names."""
    if isinstance(content, str):
        return plain(content)
    if isinstance(content, dict):
        return {plain(str(name)): plain_content(part) for name, part in content.items()}
    if isinstance(content, list | tuple):
        return [plain_content(part) for part in content]
    return content


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
