# SPDX-License-Identifier: Apache-2.0
"""The driver: one look at a time, whatever is raised, nudges, reports."""

import threading
import time

from hummingbird.clock import ManualClock, SystemClock
from hummingbird.errors import KubernetesUnavailable
from hummingbird.reconcilers.base import Outcome
from hummingbird.reconcilers.driver import HANGS_SECONDS, Driver


class Scripted:
    """Returns or raises what it was given, the last for ever."""

    def __init__(self, name: str, *script: Outcome | Exception) -> None:
        self.name = name
        self.period_seconds = 3600.0
        self.looked = threading.Semaphore(0)
        self._script = list(script)

    def reconcile(self) -> Outcome:
        item = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self.looked.release()
        if isinstance(item, Exception):
            raise item
        return item


def test_whatever_is_raised_is_the_reports_failure() -> None:
    away = Scripted("a", KubernetesUnavailable(message="refused"))
    broken = Scripted("b", ZeroDivisionError("oops"))
    driver = Driver([away, broken], clock=ManualClock())
    assert driver.run_once("a").outcome.failed == (
        "The Kubernetes API does not answer: refused",
    )
    assert driver.run_once("b").outcome.failed == ("ZeroDivisionError: oops",)
    assert [report.name for report in driver.reports()] == ["a", "b"]
    assert driver.reports()[0].as_dict()["failed"]


def test_a_nudge_is_a_look_and_a_change_nudges_who_follows() -> None:
    first = Scripted("first", Outcome(), Outcome(changed=("x",)), Outcome())
    second = Scripted("second", Outcome())
    driver = Driver(
        [first, second], clock=SystemClock(), followers={"first": ("second",)}
    )
    driver.start()
    try:
        assert first.looked.acquire(timeout=60)
        assert second.looked.acquire(timeout=60)
        assert not second.looked.acquire(blocking=False)
        driver.nudge("first")
        assert first.looked.acquire(timeout=60)
        assert second.looked.acquire(timeout=60)
        driver.nudge("nobody")
    finally:
        driver.stop()


def test_a_stop_ends_every_thread() -> None:
    before = threading.enumerate()
    driver = Driver([Scripted("a", Outcome())], clock=SystemClock())
    driver.start()
    driver.stop()
    deadline = time.monotonic() + 60
    while left := [one for one in threading.enumerate() if one not in before]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


class Hangs:
    """Looks, and does not end until it is let."""

    name = "hangs"
    period_seconds = 3600.0

    def __init__(self) -> None:
        self.began, self.let = threading.Event(), threading.Event()
        self.let.set()

    def reconcile(self) -> Outcome:
        self.began.set()
        self.let.wait(60)
        return Outcome()


def test_a_look_that_hangs_is_said_while_it_does() -> None:
    clock, hangs = ManualClock(), Hangs()
    driver = Driver([hangs], clock=clock)
    driver.run_once("hangs")
    clock.advance(30)
    hangs.began.clear()
    hangs.let.clear()
    thread = threading.Thread(target=driver.run_once, args=("hangs",), daemon=True)
    thread.start()
    assert hangs.began.wait(60)
    assert driver.reports()[0].outcome.failed == ()
    clock.advance(HANGS_SECONDS + 1)
    (said,) = driver.reports()[0].outcome.failed
    assert "its look hangs: it has lasted 121 s; the last turn ended 151 s ago" in said
    hangs.let.set()
    thread.join(60)
    assert driver.reports()[0].outcome.failed == ()


def test_a_first_look_that_hangs_has_a_report_too() -> None:
    clock, hangs = ManualClock(), Hangs()
    driver = Driver([hangs], clock=clock)
    hangs.let.clear()
    thread = threading.Thread(target=driver.run_once, args=("hangs",), daemon=True)
    thread.start()
    assert hangs.began.wait(60)
    clock.advance(HANGS_SECONDS + 1)
    (said,) = driver.reports()[0].outcome.failed
    assert "none has ended yet" in said
    hangs.let.set()
    thread.join(60)
