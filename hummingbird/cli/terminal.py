# SPDX-License-Identifier: Apache-2.0
"""What a command prints goes through here: words are shown, never obeyed.

Names, serials and messages come from hosts and from other users. Whatever command forgets
to make them printable, a terminal gets nothing from it but characters, line ends and tabs;
JSON and YAML say the same afterwards, since the escapes are theirs. What this program itself
has to tell a terminal has a door of its own.
"""

import re
from typing import Any, TextIO

from hummingbird.printable import printable

_LAYOUT = "\n\t"
_NO_NAME = re.compile(r"\W")
_MEANS_MORE = re.compile(r"[\\$`]")


class Terminal:
    """A stream for text; everything else about it is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        return self._stream.write(printable(text, keep=_LAYOUT))

    def writelines(self, lines: list[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def control(self, sequence: str) -> None:
        """Write what a terminal is to obey (ECMA-48); none of it is from outside."""
        self._stream.write(sequence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def for_a_shell(value: str) -> str:
    """Return a text that means itself between a shell's double quotes, once cliff has put
    a backslash before those that are in it (POSIX, 2.2.3)."""
    return _MEANS_MORE.sub(r"\\\g<0>", value)


def name_for_a_shell(name: str) -> str:
    """Return a name that is no more than a shell variable's (POSIX, 3.216)."""
    return _NO_NAME.sub("_", name)
