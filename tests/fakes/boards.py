# SPDX-License-Identifier: Apache-2.0
"""Boards in memory, with hooks for what people and cables do to them.

Keeps the contract of adapters.bmc.board.Boards; tests/contract/test_board.py runs the
same expectations against this one and real services.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.errors import BoardCertificateChanged, BoardRefused, BoardUnavailable


@dataclass
class FakeBoard:
    """One board, and the switch that it works."""

    user: str = "admin"
    password: str = "secret"
    certificate: str = field(default_factory=lambda: uuid4().hex * 2)
    power: Power = Power.OFF
    is_away: bool = False
    heeds_shutdown: bool = True
    """Whether the host's system goes off when it is asked to."""
    orders: list[Order] = field(default_factory=list)
    on_power: Callable[[bool], None] = lambda on: None
    """Told whenever the host loses or gets power."""


class FakeBoards:
    """Boards by address."""

    def __init__(self) -> None:
        self.boards: dict[str, FakeBoard] = {}

    def add(self, address: str, **values: object) -> FakeBoard:
        """Install a board."""
        self.boards[address] = FakeBoard(**values)  # type: ignore[arg-type]
        return self.boards[address]

    def fingerprint(self, access: BoardAccess) -> str | None:
        """Show the certificate."""
        return self._reached(access).certificate

    def power(self, access: BoardAccess) -> Power:
        """Return the power's state."""
        return self._admitted(access).power

    def order(self, access: BoardAccess, order: Order) -> None:
        """Do at once what is told."""
        board = self._admitted(access)
        board.orders.append(order)
        if order is Order.SHUTDOWN and not board.heeds_shutdown:
            return
        if board.power is Power.ON and order is not Order.ON:
            board.power = Power.OFF
            board.on_power(False)
        if order in (Order.ON, Order.RESET) and board.power is Power.OFF:
            board.power = Power.ON
            board.on_power(True)

    def _reached(self, access: BoardAccess) -> FakeBoard:
        board = self.boards.get(access.address)
        if board is None or board.is_away:
            raise BoardUnavailable(
                hostname=access.hostname,
                address=access.address,
                message="no route to host",
            )
        return board

    def _admitted(self, access: BoardAccess) -> FakeBoard:
        board = self._reached(access)
        if access.fingerprint != board.certificate:
            raise BoardCertificateChanged(
                hostname=access.hostname, address=access.address
            )
        if (access.user, access.password) != (board.user, board.password):
            raise BoardRefused(
                hostname=access.hostname, address=access.address, message="may not"
            )
        return board
