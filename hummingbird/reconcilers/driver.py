# SPDX-License-Identifier: Apache-2.0
"""Runs reconcilers: each in a thread of its own, on its period and when nudged.

One reconciler never runs twice at once; different ones do. Whatever one raises is its
report's failure, and the next look comes all the same. It does not order them: a change
of one only nudges those that follow it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from hummingbird.clock import Clock
from hummingbird.errors import HummingbirdError, TransactionConflict
from hummingbird.reconcilers.base import Outcome, Reconciler, Report

LOG = logging.getLogger(__name__)

STOP_SECONDS = 15.0
"""How long `stop` waits for a look that is under way: one call of a neighbour's."""

HANGS_SECONDS = 120.0
"""A look that lasts longer is said to hang. The longest waits of one that is well are some
calls of a neighbour's, 10 s each."""


class _Place:
    """One reconciler with what belongs to its runs."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.nudged = threading.Event()
        self.running = threading.Lock()
        self.report: Report | None = None
        self.began: tuple[datetime, float] | None = None
        """When the look that is under way began."""
        self.ended = 0.0
        """When the one before it ended, monotonic."""


class Driver:
    """Owns the threads of a set of reconcilers."""

    def __init__(
        self,
        reconcilers: Iterable[Reconciler],
        *,
        clock: Clock,
        followers: Mapping[str, tuple[str, ...]] | None = None,
        at_end: Callable[[], None] = lambda: None,
        acts: Callable[[str], bool] = lambda name: True,
    ) -> None:
        """
        :param acts: says whether the reconciler of that name is this conductor's now.
        :param followers: who looks when the reconciler of that name changed something.
        :param at_end: called when `stop` has waited for all.
        """
        self._at_end = at_end
        self._acts = acts
        self._clock = clock
        self._places = {item.name: _Place(item) for item in reconcilers}
        self._followers = followers or {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start to look, each reconciler at once and then on its period."""
        for name, place in self._places.items():
            thread = threading.Thread(
                target=self._loop, args=(place,), name=f"reconcile-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End after the looks that are under way."""
        self._stopping.set()
        for place in self._places.values():
            place.nudged.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        self._threads.clear()
        self._at_end()

    def nudge(self, name: str) -> None:
        """Have `name` look now; an unknown name is nobody's."""
        place = self._places.get(name)
        if place is not None:
            place.nudged.set()

    def is_elsewhere(self, name: str) -> bool:
        """Return whether `name` is another conductor's to look after."""
        return name in self._places and not self._acts(name)

    def reports(self) -> list[Report]:
        """Return the last report of each reconciler that has looked, by name; one whose
        look hangs has that among what failed."""
        reports = (self._report(self._places[name]) for name in sorted(self._places))
        return [report for report in reports if report is not None]

    def _report(self, place: _Place) -> Report | None:
        report, began = place.report, place.began
        if began is None:
            return report
        lasts = self._clock.monotonic() - began[1]
        if lasts <= HANGS_SECONDS:
            return report
        name = place.reconciler.name
        if report is None:
            report = Report(
                name=name,
                started_at=began[0],
                took_seconds=lasts,
                acts=self._acts(name),
            )
            since = "none has ended yet"
        else:
            since = (
                f"the last turn ended {self._clock.monotonic() - place.ended:.0f} s ago"
            )
        hangs = f"its look hangs: it has lasted {lasts:.0f} s; {since}"
        outcome = report.outcome
        return replace(
            report, outcome=replace(outcome, failed=(hangs, *outcome.failed))
        )

    def run_once(self, name: str) -> Report:
        """Have `name` look in this thread, after any look that is under way."""
        place = self._places[name]
        with place.running:
            started_at, began = self._clock.now(), self._clock.monotonic()
            place.began = (started_at, began)
            try:
                outcome = self._outcome(place)
            finally:
                place.began, place.ended = None, self._clock.monotonic()
            report = Report(
                name=name,
                started_at=started_at,
                took_seconds=self._clock.monotonic() - began,
                acts=self._acts(name),
                outcome=outcome,
            )
            place.report = report
        if outcome.changed:
            LOG.info("%s: %s", name, "; ".join(outcome.changed))
            for follower in self._followers.get(name, ()):
                self.nudge(follower)
        return report

    def _loop(self, place: _Place) -> None:
        while True:
            # In this order: a stop that comes between the two is seen, not slept over.
            place.nudged.clear()
            if self._stopping.is_set():
                return
            self.run_once(place.reconciler.name)
            self._clock.wait(place.nudged, seconds=place.reconciler.period_seconds)

    def _look(self, place: _Place) -> Outcome:
        """Look; once more where another transaction was in the way."""
        try:
            return place.reconciler.reconcile()
        except TransactionConflict as error:
            LOG.info("%s looks again: %s", place.reconciler.name, error)
        return place.reconciler.reconcile()

    def _outcome(self, place: _Place) -> Outcome:
        before = place.report.outcome.failed if place.report else ()
        try:
            outcome = self._look(place)
        except HummingbirdError as error:
            outcome = Outcome(failed=(str(error),))
        except Exception as error:
            LOG.exception("%s broke", place.reconciler.name)
            return Outcome(failed=(f"{type(error).__name__}: {error}",))
        if outcome.failed and outcome.failed != before:
            LOG.warning("%s: %s", place.reconciler.name, "; ".join(outcome.failed))
        return outcome
