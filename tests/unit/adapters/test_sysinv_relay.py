# SPDX-License-Identifier: Apache-2.0
"""Who found sysinv away remembers it, and one at a time finds out again."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from hummingbird.adapters.sysinv.relay import Circuit, SysinvRelay
from hummingbird.clock import ManualClock
from hummingbird.errors import SysinvUnavailable
from tests.fakes.sysinv import TOKEN, FakeSysinv

HEADERS = [("Host", "edge.example"), ("X-Auth-Token", TOKEN)]


@pytest.fixture
def sysinv() -> Iterator[FakeSysinv]:
    made = FakeSysinv()
    yield made
    made.stop()


def test_one_request_at_a_time_finds_out_whether_it_is_back() -> None:
    clock = ManualClock()
    circuit = Circuit(clock, seconds=5)
    circuit.enter()
    circuit.note(well=False)
    for _ in range(3):
        with pytest.raises(SysinvUnavailable):
            circuit.enter()
        clock.advance(1)
    clock.advance(2)
    circuit.enter()  # the one that tries
    with pytest.raises(SysinvUnavailable):
        circuit.enter()
    circuit.note(well=True)
    circuit.enter()
    circuit.enter()


def test_that_it_is_away_and_back_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    circuit = Circuit(ManualClock(), seconds=5)
    with caplog.at_level("INFO"):
        for well in (True, False, False, True, True):
            circuit.note(well=well)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "sysinv is away; edgeworkers are served without it",
        "sysinv answers again",
    ]


def test_nobody_connects_while_it_is_known_to_be_away(sysinv: FakeSysinv) -> None:
    clock = ManualClock()
    relay = SysinvRelay(sysinv.url, clock=clock, connect_seconds=10, away_seconds=5)
    sysinv.stop()
    with pytest.raises(SysinvUnavailable, match="no connection comes about"):
        relay.send("GET", "/v1/isystems", HEADERS, None)
    sysinv.start()
    with pytest.raises(SysinvUnavailable, match="it was away a moment ago"):
        relay.send("GET", "/v1/isystems", HEADERS, None)
    assert sysinv.connections == 0
    clock.advance(5)
    answer = relay.send("GET", "/v1/isystems", HEADERS, None)
    assert (answer.status, answer.reason) == (200, "OK")
    answer.close()
    relay.close()


def test_a_list_is_not_waited_for_long_and_then_not_at_all_for_a_while(
    sysinv: FakeSysinv,
) -> None:
    clock = ManualClock()
    relay = SysinvRelay(
        sysinv.url, clock=clock, list_seconds=0.2, answer_seconds=60, away_seconds=5
    )
    sysinv.is_slow = True
    with pytest.raises(SysinvUnavailable, match=r"it said nothing for 0\.2 s"):
        relay.send("GET", "/v1/ihosts", HEADERS, None, is_list=True)
    asked = len(sysinv.seen)
    with pytest.raises(SysinvUnavailable, match="a moment ago"):
        relay.send("GET", "/v1/ihosts", HEADERS, None, is_list=True)
    assert len(sysinv.seen) == asked
    # What else it is asked goes to it as before.
    sysinv.is_slow = False
    sysinv.may_go_on.set()
    relay.send("GET", "/v1/isystems", HEADERS, None).close()
    deadline = time.monotonic() + 60
    while not list_is_answered(relay, clock):
        assert time.monotonic() < deadline, "its list is not asked for again"
    relay.close()


def list_is_answered(relay: SysinvRelay, clock: ManualClock) -> bool:
    """Whether it is, once the while is over; 0.2 s may be too little for this machine."""
    clock.advance(5)
    try:
        relay.send("GET", "/v1/ihosts", HEADERS, None, is_list=True).close()
    except SysinvUnavailable:
        return False
    return True


def test_a_connection_that_was_closed_meanwhile_fails_no_reading() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = SysinvRelay(
            f"http://127.0.0.1:{server.getsockname()[1]}",
            clock=ManualClock(),
            answer_seconds=20,
        )

        def serve() -> None:
            first, _ = server.accept()
            first.recv(65536)
            first.close()
            second, _ = server.accept()
            second.recv(65536)
            second.sendall(b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok")
            second.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        answer = relay.send("GET", "/", HEADERS, None)
        assert (answer.reason, b"".join(answer)) == ("Fine", b"ok")
        answer.close()
        thread.join()
        relay.close()


def test_the_path_before_the_version_is_kept(sysinv: FakeSysinv) -> None:
    for suffix in ("/before", "/before/", "/before/v1", "/before/v1/"):
        relay = SysinvRelay(f"{sysinv.url}{suffix}", clock=ManualClock())
        relay.send("GET", "/v1/ihosts?a=b", HEADERS, None).close()
        assert sysinv.seen[-1].target == "/before/v1/ihosts?a=b"
        relay.close()


def test_who_has_read_all_finds_the_connection_free(sysinv: FakeSysinv) -> None:
    relay = SysinvRelay(sysinv.url, clock=ManualClock(), connect_seconds=10, passages=1)
    for _ in range(3):
        answer = relay.send("GET", "/v1/ihosts/compute-0", HEADERS, None)
        left = int(dict(answer.headers)["Content-Length"])
        pieces = iter(answer)
        while left:
            left -= len(next(pieces))
        # Nobody has asked for more, or closed it; the one place is free all the same.
    assert sysinv.connections == 1
    relay.close()
