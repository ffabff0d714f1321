# SPDX-License-Identifier: Apache-2.0
"""What may be asked of a host's board management controller, whichever it speaks.

`Boards` is the contract; redfish.py and ipmi.py keep it with real ones, and so does the
fake of the tests (tests/contract/test_board.py). A call asks once and waits for nothing
but the answer; it may be made from many threads.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Power(StrEnum):
    """Whether the host has power, as its board says."""

    ON = "on"
    OFF = "off"
    CHANGING = "changing"
    """On its way to either, or in a state that is neither."""


class Order(StrEnum):
    """What a board can be told."""

    ON = "on"
    SHUTDOWN = "shutdown"
    """Ask the host's system to go off; it may not, and not every board can."""
    OFF = "off"
    """Off at once."""
    RESET = "reset"
    """Off and on at once; nothing on the host is asked."""


@dataclass(frozen=True, kw_only=True)
class BoardAccess:
    """How to get to one board. Lives only as long as the run that needs it."""

    hostname: str
    kind: str
    """"redfish", "dynamic" (the same here) or "ipmi"."""
    address: str
    user: str
    password: str = field(repr=False)
    fingerprint: str | None = None
    """SHA-256 of its certificate as it was pinned, in hexadecimal; None: not yet, or
    none is needed because an authority vouches for it."""

    def hide(self, said: str) -> str:
        """Return what a board, or who speaks to it, said, without the password."""
        return said.replace(self.password, "***") if self.password else said


class Boards(Protocol):
    """The boards of all hosts."""

    def fingerprint(self, access: BoardAccess) -> str | None:
        """Return the fingerprint of the certificate that the board shows; None where
        there is none to pin. Says nothing of user or password.

        :raises BoardUnavailable: nobody answers.
        """

    def power(self, access: BoardAccess) -> Power:
        """Return whether the host has power.

        :raises BoardUnavailable, BoardRefused, BoardCertificateChanged: it does not say.
        """

    def order(self, access: BoardAccess, order: Order) -> None:
        """Tell the board; returns before the host has done it.

        :raises BoardRefused: it can't, or may not by this user.
        :raises BoardUnavailable, BoardCertificateChanged: it was not told.
        """
