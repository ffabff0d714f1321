# SPDX-License-Identifier: Apache-2.0
"""Each source in its turn, no thread too many, and what is taken back is not served."""

import threading
from collections.abc import Iterator

import pytest

from hummingbird.httpd.worker import Workers

PATIENCE = 60.0


class Bench:
    """Serves names; each waits for the word to go on."""

    def __init__(self, most: int) -> None:
        self.served: list[str] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.workers: Workers[str] = Workers(self._serve, most=most, name="test")

    def _serve(self, item: str) -> None:
        self.served.append(item)
        self.begun.release()
        assert self.go_on.acquire(timeout=PATIENCE)
        self.done.release()
        if item == "fails":
            raise RuntimeError("on purpose")

    def let(self, count: int) -> None:
        """Let so many be done, and wait for that."""
        for _ in range(count):
            self.go_on.release()
            assert self.done.acquire(timeout=PATIENCE)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.begun.acquire(timeout=PATIENCE)


@pytest.fixture
def one() -> Iterator[Bench]:
    made = Bench(most=1)
    yield made
    for _ in range(50):
        made.go_on.release()
    made.workers.stop(seconds=PATIENCE)


def test_sources_take_turns(one: Bench) -> None:
    for index in range(3):
        one.workers.put(f"a{index}", source="a")
    one.wait_for(1)
    one.workers.put("b0", source="b")
    one.workers.put("c0", source="c")
    one.let(5)
    assert one.served == ["a0", "a1", "b0", "c0", "a2"]


def test_what_is_taken_back_is_not_served(one: Bench) -> None:
    one.workers.put("first", source="a")
    one.wait_for(1)
    one.workers.put("second", source="a")
    assert one.workers.queued == 1
    assert one.workers.withdraw("second", source="a")
    assert not one.workers.withdraw("second", source="a")
    assert not one.workers.withdraw("first", source="a")
    one.workers.put("third", source="b")
    one.let(2)
    assert one.served == ["first", "third"]


def test_one_that_fails_takes_no_thread_with_it(
    one: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    one.workers.put("fails", source="a")
    one.workers.put("next", source="a")
    one.let(2)
    assert one.served == ["fails", "next"]
    assert "on purpose" in caplog.text


def test_one_source_never_has_all_threads() -> None:
    many = Bench(most=8)
    for index in range(20):
        many.workers.put(f"a{index}", source="a")
    many.wait_for(6)
    for name in ("b", "c"):
        many.workers.put(name, source=name)
    many.wait_for(2)
    assert many.served[6:] == ["b", "c"]
    many.let(22)
    many.workers.stop(seconds=PATIENCE)
    assert sorted(many.served) == sorted([f"a{i}" for i in range(20)] + ["b", "c"])
