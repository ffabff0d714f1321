# SPDX-License-Identifier: Apache-2.0
"""Who asks many waits for none of them longer than it wants to."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from hummingbird.errors import KubernetesUnavailable
from hummingbird.reconcilers.asking import Asking


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_answers_come_without_those_that_lag() -> None:
    asking: Asking[str, int] = Asking("test", at_once=4)
    let = threading.Event()
    assert asking.start("slow", lambda: 1 if let.wait() else 0)
    assert asking.start("quick", lambda: 2)
    found = []
    while not found:
        found = asking.take(seconds=0.05)
    assert [(one.key, one.value) for one in found] == [("quick", 2)]
    assert asking.running() == {"slow"}
    assert not asking.start("slow", lambda: 3)
    let.set()
    assert [(one.key, one.value) for one in asking.take(seconds=60)] == [("slow", 1)]
    assert asking.start("slow", lambda: 3)
    assert [one.value for one in asking.take(seconds=60)] == [3]


def test_no_more_are_asked_at_one_time_than_may_be() -> None:
    asking: Asking[int, None] = Asking("test", at_once=3)
    let = threading.Event()
    lock = threading.Lock()
    now: list[int] = []
    most: list[int] = []

    def ask(number: int) -> None:
        with lock:
            now.append(number)
            most.append(len(now))
        let.wait()
        with lock:
            now.remove(number)

    for number in range(20):
        asking.start(number, lambda number=number: ask(number))  # type: ignore[misc]
    wait_until(lambda: len(now) == 3)
    let.set()
    assert len(asking.take(seconds=60)) == 20
    assert max(most) == 3


def test_what_one_raises_is_its_own() -> None:
    asking: Asking[str, int] = Asking("test", at_once=1)

    def away() -> int:
        raise KubernetesUnavailable(message="no route")

    def broken() -> int:
        raise RecursionError("too deep")

    asking.start("away", away)
    asking.start("broken", broken)
    asking.start("well", lambda: 1)
    found = {one.key: one for one in asking.take(seconds=60)}
    assert isinstance(found["away"].error, KubernetesUnavailable)
    assert isinstance(found["broken"].error, RecursionError)
    assert found["well"].value == 1


def test_who_waits_for_a_thread_can_be_dropped_and_asked_anew() -> None:
    asking: Asking[str, int] = Asking("test", at_once=1)
    let = threading.Event()
    asking.start("slow", lambda: 1 if let.wait() else 0)
    wait_until(lambda: asking.late(0.0) == {"slow"})
    asking.start("next", lambda: 2)
    asking.drop_waiting()
    assert asking.running() == {"slow"}
    let.set()
    assert [one.key for one in asking.take(seconds=60)] == ["slow"]
    assert asking.start("next", lambda: 2)


def test_a_process_ends_while_somebody_is_asked() -> None:
    """A pool of threads would be waited for when the interpreter ends."""
    program = (
        "import threading\n"
        "from hummingbird.reconcilers.asking import Asking\n"
        "asking = Asking('test', at_once=2)\n"
        "asking.start(1, threading.Event().wait)\n"
        "assert asking.take(seconds=0.1) == []\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
