# SPDX-License-Identifier: Apache-2.0
"""Of each board management controller it is known whether it lets us in.

Sees the hosts whose settings name a board; asks each board every `check_seconds` whether
its host has power, with its user and password; one that does not let us in is asked again
RETRY_SECONDS later. Decides by `domain.board`. Writes what is seen, and whether the host
has power as its condition Powered; the alarm that comes of it is the alarm reconciler's. A
board whose certificate is not pinned yet is only seen to answer: whoever uses it first pins
it. Answers are taken as they come: a board that lags holds up no other, is not asked again
until it has ended, and boards that failed before hold half of the threads at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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
from hummingbird.reconcilers.asking import Answer, Asking
from hummingbird.reconcilers.base import Outcome
from hummingbird.secretbox import SecretBox

RETRY_SECONDS: Final = 30.0
AT_ONCE: Final = 32
SUSPECTS: Final = AT_ONCE // 2
"""Of these, boards that did not let us in when they were asked last."""
A_LOOK: Final = 64
"""Boards that are asked in one look. All are guesses: boards are slow, and few are
away; with thousands of them each is asked less often than every `check_seconds`."""
WAIT_SECONDS: Final = 5.0
"""For the answers of one look; those that come later are the next look's."""

_Said = tuple[Board, str | None, Seen]
"""Which board was asked; why it does not let us in, None where it does; whether the host
has power."""


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
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """
        :param observer: who asks.
        :param wait_seconds: how long a look waits for its answers, in real time.
        """
        self._asking: Asking[int, _Said] = Asking("board", at_once=AT_ONCE)
        self._wait_seconds = wait_seconds
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
        for host, board in asked:
            self._asking.start(host.id, partial(self._ask, host, board))
        answers = self._asking.take(seconds=self._wait_seconds)
        said = self._write(answers) if answers else []
        with self._database.reader() as connection:
            failed = board_repository.complaints(connection)
        return Outcome(looked_at=len(asked), changed=tuple(said), failed=tuple(failed))

    def _write(self, answers: Sequence[Answer[int, _Said]]) -> list[str]:
        """Write what is seen, and return what is news."""
        answered = {one.key: one.value for one in answers if one.value is not None}
        said: list[str] = []
        powers: dict[int, Seen] = {}
        now = self._clock.now()
        with self._database.writer() as connection:
            hosts = host_repository.among(connection, list(answered))
            host_hold.hold_all(connection, [host.id for host in hosts])
            seen = board_repository.seen(connection, [host.id for host in hosts])
            for host in hosts:
                board, reason, power = answered[host.id]
                if board_of(host) != board:
                    # Of another board than it has now, or by other words.
                    self._turns[host.id] = _Turn(due=self._clock.monotonic())
                    continue
                powers[host.id] = power
                was = seen.get(host.id)
                is_away = was is not None and was.away_since is not None
                if reason is None:
                    board_repository.note_answered(connection, host.id, now=now)
                    self._again(host.id, failures=0)
                    said += [f"{host.hostname}: its board answers"] if is_away else []
                    continue
                failures = self._again(host.id)
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
            for host_id, power in powers.items():
                condition.put(connection, host_id, POWERED, power, now=now)
        return said

    def _due(self, known: set[int]) -> list[tuple[Host, Board]]:
        """Return the hosts whose boards are to be asked now, the longest due first."""
        now = self._clock.monotonic()
        for host_id in known - self._turns.keys():
            self._turns[host_id] = _Turn(due=now)
        running = self._asking.running()
        due = sorted(
            (turn.due, host_id)
            for host_id, turn in self._turns.items()
            if turn.due <= now and host_id not in running
        )
        suspects = SUSPECTS - sum(self._has_failed(host_id) for host_id in running)
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
            if turn.failures:
                if suspects <= 0:
                    continue
                suspects -= 1
            asked.append((host, board))
        return asked

    def _has_failed(self, host_id: int) -> bool:
        turn = self._turns.get(host_id)
        return turn is not None and turn.failures > 0

    def _again(self, host_id: int, *, failures: int | None = None) -> int:
        """Ask a board again in a while; return how often it has failed in a row.

        :param failures: so often; None: once more.
        """
        turn = self._turns.setdefault(host_id, _Turn(due=0.0))
        turn.failures = turn.failures + 1 if failures is None else failures
        wait = min(RETRY_SECONDS, self._check_seconds)
        turn.due = self._clock.monotonic() + (
            wait if turn.failures else self._check_seconds
        )
        return turn.failures

    def _ask(self, host: Host, board: Board) -> _Said:
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
                return (
                    board,
                    None,
                    power_unknown(
                        "BoardNotPinned",
                        "its board's certificate is not pinned yet",
                        observer=self._observer,
                    ),
                )
            power = self._boards.power(access)
        except HummingbirdError as error:
            return (
                board,
                str(error),
                power_unknown("BoardAway", str(error), observer=self._observer),
            )
        return board, None, power_seen(power.value, observer=self._observer)
