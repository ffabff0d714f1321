# SPDX-License-Identifier: Apache-2.0
"""Watches runs until they have ended, and tells of each step as it happens.

One thread a run asks the server's long poll; the caller's thread draws.  On a terminal
the steps that are under way are redrawn in place below those that have ended; into a
pipe each step is one line at its end.  Watching changes nothing: an interrupted watch
leaves the runs going, and a server that is away for a moment is asked again.
"""

import contextlib
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hummingbird.cli.client import Client, path
from hummingbird.cli.failure import Failure, Unreachable
from hummingbird.cli.terminal import Terminal
from hummingbird.printable import printable

ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})
INTERRUPTED: Final = 130
"""What a shell shows for a program that Ctrl-C ended: 128 + SIGINT."""

_POLL_SECONDS = 5
"""How long the server may hold one question for news."""
_AWAY_SECONDS = 60.0
"""How long a server may be away; a restart with a take-over is shorter (a guess)."""
_AGAIN_SECONDS = 0.5
_REDRAW_SECONDS = 0.2
_CALM_SECONDS = 0.3
"""Least time between two questions that found nothing new."""


def follow(
    runs: Sequence[Mapping[str, Any]],
    *,
    new_client: Callable[[], Client],
    out: Terminal,
) -> int:
    """Watch runs until all have ended; return 0 if all succeeded, else 1."""
    watch = Watch(out, runs)
    for number, run in enumerate(runs):
        poller = Poller(new_client(), run["uuid"], number, watch.news)
        threading.Thread(target=poller.poll, daemon=True).start()
    try:
        return watch.until_all_ended()
    except KeyboardInterrupt:
        names = " ".join(str(run["id"]) for run in watch.unfinished())
        watch.leave(
            f"Not watching any more; the work goes on: hummingbird run-show {names}"
            " --follow"
        )
        return INTERRUPTED


@dataclass(frozen=True)
class News:
    """What a poller learned: the run as it is now, and its new events."""

    number: int
    run: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    failure: Failure | None = None
    has_ended: bool = False
    """The run has ended, and there will be no more events."""


class Poller:
    """Asks for one run until it has ended, in its own thread, with its own client."""

    def __init__(
        self, client: Client, uuid: str, number: int, news: "queue.Queue[News]"
    ) -> None:
        self._client = client
        self._uuid = uuid
        self._number = number
        self._news = news
        self._after = 0

    def poll(self) -> None:
        """Put news until the run has ended or the server is away for too long."""
        heard = time.monotonic()
        while True:
            try:
                run, events = self._ask()
            except Unreachable as failure:
                if time.monotonic() - heard > _AWAY_SECONDS:
                    self._news.put(News(self._number, {}, (), failure))
                    return
                time.sleep(_AGAIN_SECONDS)
                continue
            except Failure as failure:
                self._news.put(News(self._number, {}, (), failure))
                return
            has_ended = run["state"] in ENDED and not events
            if not events and time.monotonic() - heard < _CALM_SECONDS:
                time.sleep(_CALM_SECONDS)  # the server had no room for one who waits
            heard = time.monotonic()
            self._news.put(News(self._number, run, events, has_ended=has_ended))
            if has_ended:
                return

    def _ask(self) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
        """Return the run and its next events; the server waits until there are some or
        the run has ended."""
        answer = self._client.get(
            path("runs", self._uuid, "events"), after=self._after, wait=_POLL_SECONDS
        )
        events: Sequence[Mapping[str, Any]] = answer["events"]
        if events:
            self._after = events[-1]["id"]
        return answer["run"], events


@dataclass
class Progress:
    """How far one run is, as far as its events say."""

    run: Mapping[str, Any]
    label: str
    step: str | None = None
    task: str = ""
    step_began: float = 0.0
    done: bool = False
    failure: Failure | None = None
    tasks_failed: list[str] = field(default_factory=list)


class Watch:
    """Draws what the pollers put into `news`."""

    def __init__(self, out: Terminal, runs: Sequence[Mapping[str, Any]]) -> None:
        self.news: queue.Queue[News] = queue.Queue()
        self._out = out
        self._live = out.isatty()
        self._drawn: list[str] = []
        width = max(len(str(run["hostname"])) for run in runs) if len(runs) > 1 else 0
        self._all = [
            Progress(run, f"{run['hostname']:{width}}  " if width else "")
            for run in runs
        ]

    def unfinished(self) -> list[Mapping[str, Any]]:
        """Return the runs that have not ended."""
        return [one.run for one in self._all if not one.done]

    def until_all_ended(self) -> int:
        """Draw until all runs have ended; return 0 if all succeeded, else 1."""
        for one in self._all:
            self._print(f"{_title(one.run)} is run {one.run['id']}")
        while self.unfinished():
            with contextlib.suppress(queue.Empty):
                self._take(self.news.get(timeout=_REDRAW_SECONDS))
            self._redraw()
        good = all(one.run.get("state") == "succeeded" for one in self._all)
        return 0 if good else 1

    def leave(self, line: str) -> None:
        """Print a last line below what is drawn."""
        self._print(line)

    def _take(self, news: News) -> None:
        one = self._all[news.number]
        one.run = news.run or one.run
        for event in news.events:
            self._tell(one, event)
        if news.failure is not None:
            one.done = True
            one.run = {**one.run, "state": "unknown"}
            self._print(f"{one.label}{_title(one.run)}: {news.failure}")
        elif news.has_ended:
            one.done = True
            self._print(one.label + _outcome(one.run))

    def _tell(self, one: Progress, event: Mapping[str, Any]) -> None:
        """Print what is worth a line of one event; remember where the run is."""
        if event["task"] is not None:
            one.task = event["task"]
            if event["state"] in ("failed", "unreachable"):
                said = " ".join(str(event["message"]).split())
                self._line(one, event, f"task {event['task']!r}: {said}")
        elif event["state"] == "running":
            one.step, one.task = event["step"], ""
            one.step_began = time.monotonic()
        elif event["state"] == "info":
            self._line(one, event, event["message"])
        else:
            one.step = None
            took = event["duration_seconds"]
            time_taken = "" if took is None else f"{took:6.1f} s"
            said = " ".join(str(event["message"]).split())
            self._line(one, event, f"{event['state']:8}{time_taken:10}{said}")

    def _line(self, one: Progress, event: Mapping[str, Any], said: str) -> None:
        since = _seconds_between(one.run.get("queued_at"), event["at"])
        self._print(f"{one.label}{since:7.1f} s  {event['step']:18}{said}".rstrip())

    def _print(self, line: str) -> None:
        self._erase()
        self._out.write(printable(line) + "\n")
        self._out.flush()

    def _erase(self) -> None:
        if self._drawn:
            # Up so many lines, then clear to the end of the screen (ECMA-48 CPL, ED).
            self._out.control(f"\033[{len(self._drawn)}F\033[J")
            self._drawn = []

    def _redraw(self) -> None:
        if not self._live:
            return
        width = shutil.get_terminal_size().columns - 1
        now = time.monotonic()
        lines: list[str] = []
        for one in self._all:
            if one.done:
                continue
            if one.step is None:
                line = f"{one.label}           {one.run['state']}"
            else:
                took = now - one.step_began
                line = f"{one.label}        …  {one.step:18}{took:6.1f} s  {one.task}"
            lines.append(printable(line)[:width] + "\n")
        if lines != self._drawn:
            self._erase()
            self._out.writelines(lines)
            self._out.flush()
            self._drawn = lines


def _title(run: Mapping[str, Any]) -> str:
    return f"{run['kind']} of {run['hostname']}"


def _outcome(run: Mapping[str, Any]) -> str:
    took = _seconds_between(run["queued_at"], run["ended_at"])
    line = f"{_title(run)} {run['state']} after {took:.1f} s"
    if run.get("changed") is not None:
        line += f", {run['changed']} changed"
    if run.get("error"):
        line += f": {run['error']}"
    return line


def _seconds_between(begin: str | None, end: str | None) -> float:
    if not begin or not end:
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
