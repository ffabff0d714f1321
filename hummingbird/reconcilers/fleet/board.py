# SPDX-License-Identifier: Apache-2.0
"""Of each board management controller it is known whether it lets us in.

Sees the hosts whose settings name a board; asks each board every `check_seconds` whether
its host has power, with its user and password; one that does not let us in is asked again
RETRY_SECONDS later. Decides by `domain.board`. Writes what is seen, and whether the host
has power as its condition Powered; the alarm that comes of it is the alarm reconciler's. A
board whose certificate is not pinned yet is only seen to answer: whoever uses it first pins
it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from hummingbird.adapters.bmc.board import BoardAccess, Boards
from hummingbird.clock import Clock
from hummingbird.db.repository import board as board_repository
from hummingbird.db.repository import condition, host_hold
from hummingbird.db.repository import host as host_repository
from hummingbird.db.session import Database
from hummingbird.domain.board import Board, board_of, counts_as_away
from hummingbird.domain.condition import POWERED, Seen, power_seen, power_unknown
from hummingbird.domain.host import Host
from hummingbird.errors import BoardPasswordElsewhere, HummingbirdError
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

RETRY_SECONDS: Final = 30.0
AT_ONCE: Final = 8
A_LOOK: Final = 64
"""Boards that are asked in one look. All three are guesses: boards are slow, and few are
away; with thousands of them each is asked less often than every `check_seconds`."""


@dataclass
class _Turn:
    """When a board is to be asked, and how it went."""

    due: float
    failures: int = 0
    settings: Board | None = None


class BoardReconciler:
    """Keeps what is known of boards true."""

    name = "board"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        boards: Boards,
        box: SecretBox,
        check_seconds: float,
        period_seconds: float,
        observer: str,
    ) -> None:
        """:param observer: who asks."""
        self._observer = observer
        self._database = database
        self._clock = clock
        self._boards = boards
        self._box = box
        self._check_seconds = check_seconds
        self._turns: dict[int, _Turn] = {}
        self.period_seconds = period_seconds

    def forget(self) -> None:
        """Ask every board anew: another controller may reach others."""
        self._turns.clear()

    def reconcile(self) -> Outcome:
        """Ask the boards whose turn it is; write what is news."""
        with self._database.reader() as connection:
            known = board_repository.hosts(connection)
        for host_id in self._turns.keys() - known:
            del self._turns[host_id]
        asked = self._due(known) if self._check_seconds else []
        said = self._ask_all(asked) if asked else []
        with self._database.reader() as connection:
            failed = board_repository.complaints(connection)
        return Outcome(looked_at=len(asked), changed=tuple(said), failed=tuple(failed))

    def _ask_all(self, asked: list[tuple[Host, Board]]) -> list[str]:
        """Ask these boards; write what is seen, and return what is news."""
        with self._database.reader() as connection:
            seen = board_repository.seen(connection, [host.id for host, _ in asked])
        with ThreadPoolExecutor(min(AT_ONCE, len(asked))) as pool:
            answers = list(pool.map(lambda one: self._ask(*one), asked))
        said: list[str] = []
        now = self._clock.now()
        with self._database.writer() as connection:
            host_hold.hold_all(connection, [host.id for host, _ in asked])
            for (host, _), (reason, _power) in zip(asked, answers, strict=True):
                was = seen.get(host.id)
                is_away = was is not None and was.away_since is not None
                if reason is None:
                    board_repository.note_answered(connection, host.id, now=now)
                    self._again(host.id, failures=0)
                    said += [f"{host.hostname}: its board answers"] if is_away else []
                    continue
                failures = self._turns[host.id].failures + 1
                self._again(host.id, failures=failures)
                if counts_as_away(
                    failures=failures,
                    answered_at=None if was is None else was.answered_at,
                    now=now,
                    check_seconds=self._check_seconds,
                ):
                    board_repository.note_away(
                        connection, host.id, reason=reason, now=now
                    )
                    said += [] if is_away else [f"{host.hostname}: {reason}"]
            for (host, _), (_reason, power) in zip(asked, answers, strict=True):
                condition.put(connection, host.id, POWERED, power, now=now)
        return said

    def _due(self, known: set[int]) -> list[tuple[Host, Board]]:
        """Return the hosts whose boards are to be asked now, the longest due first."""
        now = self._clock.monotonic()
        for host_id in known - self._turns.keys():
            self._turns[host_id] = _Turn(due=now)
        due = sorted(
            (turn.due, host_id)
            for host_id, turn in self._turns.items()
            if turn.due <= now
        )
        with self._database.reader() as connection:
            hosts = host_repository.among(connection, [one for _, one in due[:A_LOOK]])
        asked: list[tuple[Host, Board]] = []
        for host in hosts:
            board = board_of(host)
            turn = self._turns[host.id]
            if board is None or host.reservation_owner is not None:
                # Not all is said that is needed, or a run may be using it now.
                self._again(host.id, failures=turn.failures)
                continue
            if turn.settings != board:
                turn.settings, turn.failures = board, 0
            asked.append((host, board))
        return asked

    def _again(self, host_id: int, *, failures: int) -> None:
        turn = self._turns[host_id]
        turn.failures = failures
        wait = min(RETRY_SECONDS, self._check_seconds)
        turn.due = self._clock.monotonic() + (wait if failures else self._check_seconds)

    def _ask(self, host: Host, board: Board) -> tuple[str | None, Seen]:
        """Return why the board does not let us in, None where it does; and whether the
        host has power."""
        try:
            if not board.is_bound:
                raise BoardPasswordElsewhere(
                    hostname=host.hostname, address=board.address
                )
            access = BoardAccess(
                hostname=host.hostname,
                kind=board.kind,
                address=board.address,
                user=board.user,
                password=self._box.open(board.password_sealed),
                fingerprint=board.fingerprint,
            )
            is_pinned = access.fingerprint is not None
            if not is_pinned and self._boards.fingerprint(access) is not None:
                return None, power_unknown(
                    "BoardNotPinned",
                    "its board's certificate is not pinned yet",
                    observer=self._observer,
                )
            power = self._boards.power(access)
        except HummingbirdError as error:
            return str(error), power_unknown(
                "BoardAway", str(error), observer=self._observer
            )
        return None, power_seen(power.value, observer=self._observer)
