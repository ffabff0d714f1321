# SPDX-License-Identifier: Apache-2.0
"""The way to a host's board management controller, and waiting for what it does."""

from dataclasses import replace

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.conductor.task import HostTask
from hummingbird.db.repository import board as board_repository
from hummingbird.db.repository import condition
from hummingbird.db.repository import host as host_repository
from hummingbird.db.session import Connection
from hummingbird.domain.board import PIN, board_of
from hummingbird.domain.condition import POWERED, power_seen
from hummingbird.errors import (
    BoardCertificateChanged,
    BoardPasswordElsewhere,
    BoardRefused,
    BoardUnavailable,
)


class OpenBoard:
    """The board of the host that a run works on."""

    def __init__(self, task: HostTask, access: BoardAccess) -> None:
        self._task = task
        self._access = access

    def power(self) -> Power:
        """Return whether the host has power; a board that is away is asked again."""
        boards, access = self._task.neighbours.boards, self._access
        return self._task.patiently(
            lambda: boards.power(access), seconds=self._task.patience.connect
        )

    def order(self, order: Order) -> None:
        """Tell the board; one that is away is told again."""
        boards, access = self._task.neighbours.boards, self._access
        self._task.patiently(
            lambda: boards.order(access, order), seconds=self._task.patience.connect
        )

    def reset(self) -> None:
        """Have the host boot anew, whether it is on or off."""
        is_on = self.power() is not Power.OFF
        self.order(Order.RESET if is_on else Order.ON)

    def await_power(self, power: Power, *, seconds: float) -> None:
        """Return when the host's power is as it should be.

        :raises RunFailed: it is not, in time.
        """
        boards, access = self._task.neighbours.boards, self._access
        self._task.wait_until(
            lambda: boards.power(access) is power,
            seconds=seconds,
            what=f"the power is not {power.value}",
        )
        _note_power(self._task, power)


def _note_power(task: HostTask, power: Power) -> None:
    """Keep what the board says of the host's power."""
    observer = f"{task.neighbours.controller}.conductor"
    task.journal.write(
        lambda connection: condition.put(
            connection,
            task.host.id,
            POWERED,
            power_seen(power.value, observer=observer),
            now=task.clock.now(),
        )
    )


def open_board(task: HostTask) -> OpenBoard | None:
    """Return the board that the host's settings name, seen to answer and to take the
    password; None where they name none.

    :raises BoardUnavailable, BoardRefused, BoardCertificateChanged: it does not.
    """
    board = board_of(task.host)
    if board is None:
        return None
    if not board.is_bound:
        raise BoardPasswordElsewhere(hostname=task.host.hostname, address=board.address)
    access = BoardAccess(
        hostname=task.host.hostname,
        kind=board.kind,
        address=board.address,
        user=board.user,
        password=task.neighbours.box.open(board.password_sealed),
        fingerprint=board.fingerprint,
    )
    try:
        access, opened = _knock(task, access)
    except (BoardUnavailable, BoardRefused, BoardCertificateChanged) as error:
        reason, now = str(error), task.clock.now()
        task.journal.write(
            lambda connection: board_repository.note_away(
                connection, task.host.id, reason=reason, now=now
            )
        )
        raise
    task.journal.write(
        lambda connection: board_repository.note_answered(
            connection, task.host.id, now=task.clock.now()
        )
    )
    if access.fingerprint != board.fingerprint:
        _pin(task, access)
    return opened


def _knock(task: HostTask, access: BoardAccess) -> tuple[BoardAccess, OpenBoard]:
    """Return the board once it has let us in, and how it was got at."""
    boards, seconds = task.neighbours.boards, task.patience.connect
    if access.fingerprint is None:
        shown = task.patiently(lambda: boards.fingerprint(access), seconds=seconds)
        access = replace(access, fingerprint=shown)
    opened = OpenBoard(task, access)
    opened.power()
    return access, opened


def _pin(task: HostTask, access: BoardAccess) -> None:
    """Keep the certificate of the first contact."""

    def work(connection: Connection) -> None:
        host = host_repository.get(connection, task.host.id)
        if host.attributes.get("bm_ip") == access.address:
            attributes = {**host.attributes, PIN: access.fingerprint}
            host_repository.change(
                connection, host, now=task.clock.now(), attributes=attributes
            )

    task.journal.write(work)
    task.journal.info(f"pinned the certificate of the board at {access.address}")
