# SPDX-License-Identifier: Apache-2.0
"""The boards of all hosts, each asked in the language that its settings name."""

from collections.abc import Mapping

from hummingbird.adapters.bmc.board import BoardAccess, Boards, Order, Power


class BoardsByKind:
    """Passes each call on to who speaks the board's language."""

    def __init__(self, boards: Mapping[str, Boards]) -> None:
        """:param boards: by the values of a host's bm_type that can be used."""
        self._boards = dict(boards)

    def fingerprint(self, access: BoardAccess) -> str | None:
        """Return what to pin; see Boards."""
        return self._boards[access.kind].fingerprint(access)

    def power(self, access: BoardAccess) -> Power:
        """Return the power's state; see Boards."""
        return self._boards[access.kind].power(access)

    def order(self, access: BoardAccess, order: Order) -> None:
        """Tell the board; see Boards."""
        self._boards[access.kind].order(access, order)
