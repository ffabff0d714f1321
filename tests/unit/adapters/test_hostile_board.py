# SPDX-License-Identifier: Apache-2.0
"""A board that was taken over can't hold a call, fill the memory, or send us elsewhere."""

import resource
import ssl
import struct
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.adapters.bmc.ipmi import IpmiBoards
from hummingbird.adapters.bmc.redfish import RedfishBoards
from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from hummingbird.errors import BoardRefused, BoardUnavailable, HummingbirdError
from tests.fakes.hostile import (
    Answer,
    bomb,
    continues,
    drips,
    drips_a_head,
    hostile,
    leads_to,
    never_ends,
    redfish,
    say,
    tls,
)
from tests.free_port import free_port

SECONDS = 0.5
HELD_SECONDS = 60.0
"""A call that is held lasts for ever; this is long against a slow machine."""
GROWS_KILOBYTES = 200 * 1024
ACCESS = BoardAccess(
    hostname="edge-0",
    kind="redfish",
    address="127.0.0.1",
    user="root",
    password="board-secret",
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return tls(tmp_path_factory.mktemp("board"))


def boards(port: int, *, seconds: float = SECONDS) -> RedfishBoards:
    return RedfishBoards(port=port, timeout_seconds=seconds, ca_file=None)


def pinned(port: int) -> BoardAccess:
    return replace(ACCESS, fingerprint=boards(port, seconds=60).fingerprint(ACCESS))


def called(ask: Any) -> Exception | None:
    """Return what a call raises; it has to end."""
    raised: list[Exception | None] = []

    def call() -> None:
        try:
            ask()
            raised.append(None)
        except HummingbirdError as error:
            raised.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(HELD_SECONDS)
    assert raised, "the call is held"
    return raised[0]


@pytest.mark.parametrize(
    "answer",
    [drips, drips_a_head, never_ends, continues, bomb],
    ids=lambda a: a.__name__,
)
def test_a_call_ends_whatever_the_board_sends_and_takes_little(
    context: ssl.SSLContext, answer: Answer
) -> None:
    with hostile(answer, tls=context) as server:
        access = pinned(server.port)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for ask in (
            lambda: boards(server.port).power(access),
            lambda: boards(server.port).order(access, Order.OFF),
        ):
            assert isinstance(called(ask), BoardUnavailable)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < GROWS_KILOBYTES


def test_records_without_data_do_not_hold_a_call(tmp_path: Path) -> None:
    """OpenSSL reads on inside one recv while nothing but key updates comes (RFC 8446,
    section 4.6.3): a time-out of the socket need not be seen."""
    made = ensure_server_certificate(
        tmp_path / "pki", names=("127.0.0.1",), clock=SystemClock()
    )
    port = free_port()
    yes = subprocess.Popen(["yes", "K"], stdout=subprocess.PIPE)
    server = subprocess.Popen(
        [
            *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3"),
            *("-cert", str(made.cert_path), "-key", str(made.key_path)),
        ],
        stdin=yes.stdout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + HELD_SECONDS
        while True:
            try:
                access = pinned(port)
                break
            except BoardUnavailable:
                assert time.monotonic() < deadline, "openssl does not serve"
                time.sleep(0.1)
        assert isinstance(called(lambda: boards(port).power(access)), BoardUnavailable)
    finally:
        for one in (server, yes):
            one.kill()
            one.wait()


def test_a_server_that_drips_its_handshake_holds_nobody() -> None:
    def answer(plug: Any, line: str) -> None:
        plug.sendall(struct.pack("!BHH", 22, 0x0303, 16000))
        while True:
            plug.sendall(b"\x02")
            time.sleep(0.05)

    with hostile(answer) as server:
        for ask in (
            lambda: boards(server.port).fingerprint(ACCESS),
            lambda: boards(server.port).power(replace(ACCESS, fingerprint="ab" * 32)),
        ):
            assert isinstance(called(ask), BoardUnavailable)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nobody_else_is_asked(
    context: ssl.SSLContext, status: int
) -> None:
    with hostile(redfish()) as other:
        url = f"http://127.0.0.1:{other.port}/redfish/v1/"
        with hostile(leads_to(url, status=status), tls=context) as board:
            error = called(
                lambda: boards(board.port, seconds=30).power(pinned(board.port))
            )
        assert isinstance(error, BoardRefused)
        assert "redirect" in str(error)
        assert other.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_system_elsewhere_is_not_this_boards(
    context: ssl.SSLContext, scheme: str
) -> None:
    with hostile(redfish(), tls=context if scheme == "https" else None) as other:
        place = f"{scheme}://127.0.0.1:{other.port}/redfish/v1/Systems/1"
        with hostile(redfish(system=place), tls=context) as board:
            error = called(
                lambda: boards(board.port, seconds=30).power(pinned(board.port))
            )
        assert isinstance(error, BoardRefused)
        assert "another scheme, host or port" in str(error)
        assert other.asked == []


def test_an_order_goes_to_the_board_alone(context: ssl.SSLContext) -> None:
    with hostile(redfish()) as other:
        target = f"http://127.0.0.1:{other.port}/admin/shutdown"
        with hostile(redfish(target=target), tls=context) as board:
            access = pinned(board.port)
            asks = boards(board.port, seconds=30)
            assert asks.power(access) is Power.ON
            error = called(lambda: asks.order(access, Order.OFF))
            assert not any(line.startswith("POST") for line in board.asked)
        assert isinstance(error, BoardRefused)
        assert other.asked == []
        assert b"Authorization" not in other.heard


def test_its_own_places_may_be_said_in_full(context: ssl.SSLContext) -> None:
    with hostile(lambda plug, line: whole[0](plug, line), tls=context) as board:
        own = f"https://127.0.0.1:{board.port}"
        whole = [redfish(system=f"{own}/redfish/v1/Systems/1", target=f"{own}/reset")]
        access = pinned(board.port)
        boards(board.port, seconds=30).order(access, Order.OFF)
        assert board.asked[-1].startswith("POST /reset ")


@pytest.mark.parametrize(
    "body", [[], 7, {"Systems": []}, {"Systems": {"@odata.id": 7}}]
)
def test_an_answer_that_makes_no_sense_is_an_error_of_ours(
    context: ssl.SSLContext, body: object
) -> None:
    with hostile(lambda plug, line: say(plug, body), tls=context) as board:
        error = called(lambda: boards(board.port, seconds=30).power(pinned(board.port)))
    assert isinstance(error, BoardRefused | BoardUnavailable)


@pytest.mark.parametrize("says", ["yes", "sleep 600"])
def test_ipmitool_ends_in_time_and_says_no_more_than_it_may(
    tmp_path: Path, says: str
) -> None:
    program = tmp_path / "ipmitool"
    program.write_text(f"#!/bin/sh\n{says} & {says}\n")
    program.chmod(0o755)
    boards = IpmiBoards(
        program=str(program), port=623, timeout_seconds=SECONDS, cipher_suite=None
    )
    error = called(lambda: boards.power(replace(ACCESS, kind="ipmi")))
    assert isinstance(error, BoardUnavailable)
