# SPDX-License-Identifier: Apache-2.0
"""Why a command could not be done, in a sentence that says what to do about it.

The program prints the sentence on stderr and exits 1; nothing else of it is promised.
"""


class Failure(Exception):
    """A command's end without success.

    :param code: the server's stable error code, where the server refused.
    """

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code


class Unreachable(Failure):
    """Nobody answered, so nothing is known about what was asked."""
