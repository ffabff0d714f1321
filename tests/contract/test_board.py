# SPDX-License-Identifier: Apache-2.0
"""What every board keeps: the fake one, one that speaks Redfish, one that speaks IPMI.

The real services stand on the loopback: sushy's emulator behind TLS, and OpenIPMI's
simulator (packages ipmitool and openipmi).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hummingbird.adapters.bmc.board import BoardAccess, Boards, Order, Power
from hummingbird.adapters.bmc.ipmi import IpmiBoards
from hummingbird.adapters.bmc.kind import BoardsByKind
from hummingbird.adapters.bmc.redfish import RedfishBoards
from hummingbird.errors import BoardCertificateChanged, BoardRefused, BoardUnavailable
from tests.fakes.board_service import PASSWORD, USER, IpmiService, RedfishService
from tests.fakes.boards import FakeBoards
from tests.free_port import free_port

SECONDS = 90.0


@dataclass
class Board:
    """One board, and how to get to it."""

    boards: Boards
    access: BoardAccess
    nowhere: Boards
    """The same where nobody listens."""

    def become(self, power: Power) -> None:
        """Wait until the power is so."""
        deadline = time.monotonic() + SECONDS
        while self.boards.power(self.access) is not power:
            assert time.monotonic() < deadline, f"not {power} in time"
            time.sleep(0.05)


def _access(kind: str, boards: Boards, address: str = "127.0.0.1") -> BoardAccess:
    access = BoardAccess(
        hostname="edge-0", kind=kind, address=address, user=USER, password=PASSWORD
    )
    return replace(access, fingerprint=boards.fingerprint(access))


def _redfish(port: int, *, ca_file: str | None = None) -> RedfishBoards:
    return RedfishBoards(port=port, timeout_seconds=60, ca_file=ca_file)


def _ipmi(port: int, *, seconds: float = 10, program: str = "ipmitool") -> IpmiBoards:
    # The simulator does not say which cipher suites it has.
    return IpmiBoards(
        program=program, port=port, timeout_seconds=seconds, cipher_suite=3
    )


@pytest.fixture(scope="module")
def redfish(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedfishService]:
    service = RedfishService(tmp_path_factory.mktemp("redfish"))
    yield service
    service.stop()


@pytest.fixture(scope="module")
def ipmi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpmiService]:
    service = IpmiService(tmp_path_factory.mktemp("ipmi"))
    yield service
    service.stop()


@pytest.fixture(params=["fake", "redfish", "ipmi"])
def board(request: pytest.FixtureRequest) -> Board:
    if request.param == "fake":
        fakes = FakeBoards()
        fakes.add("192.0.2.9", user=USER, password=PASSWORD)
        return Board(fakes, _access("redfish", fakes, "192.0.2.9"), FakeBoards())
    service = request.getfixturevalue(request.param)
    if request.param == "redfish":
        one, nowhere = _redfish(service.port), _redfish(free_port())
        return Board(one, _access("redfish", one), nowhere)
    found = _ipmi(service.port)
    return Board(found, _access("ipmi", found), _ipmi(free_port(), seconds=2))


def test_a_host_is_switched_on_reset_shut_down_and_off(board: Board) -> None:
    boards, access = board.boards, board.access
    boards.order(access, Order.OFF)
    board.become(Power.OFF)
    boards.order(access, Order.ON)
    board.become(Power.ON)
    boards.order(access, Order.RESET)
    board.become(Power.ON)
    boards.order(access, Order.SHUTDOWN)
    board.become(Power.OFF)
    boards.order(access, Order.ON)
    board.become(Power.ON)
    boards.order(access, Order.OFF)
    board.become(Power.OFF)


def test_an_order_that_is_carried_out_already_is_no_error(board: Board) -> None:
    for order, power in ((Order.OFF, Power.OFF), (Order.ON, Power.ON)):
        for _ in range(2):
            board.boards.order(board.access, order)
            board.become(power)


def test_a_wrong_password_is_refused_and_is_not_told(board: Board) -> None:
    wrong = replace(board.access, password="Not-The-Word")
    # IPMI's simulator says nothing to a stranger, so that it seems to be away.
    expected = (BoardRefused, BoardUnavailable)
    kinds = expected if board.access.kind == "ipmi" else BoardRefused
    with pytest.raises(kinds) as caught:
        board.boards.power(wrong)
    assert "Not-The-Word" not in str(caught.value) + repr(wrong)
    with pytest.raises(kinds):
        board.boards.order(wrong, Order.ON)


def test_a_board_that_is_away_is_worth_a_retry(board: Board) -> None:
    for ask in (board.nowhere.power, board.nowhere.fingerprint):
        if board.access.kind == "ipmi" and ask == board.nowhere.fingerprint:
            continue
        with pytest.raises(BoardUnavailable) as caught:
            ask(board.access)
        assert caught.value.worth_a_retry
        assert board.access.address in str(caught.value)


def test_another_certificate_is_refused(board: Board) -> None:
    if board.access.fingerprint is None:
        assert board.access.kind == "ipmi"
        return
    other = replace(board.access, fingerprint="ab" * 32)
    with pytest.raises(BoardCertificateChanged):
        board.boards.power(other)


def test_a_board_that_was_never_met_is_not_sent_a_password(
    redfish: RedfishService,
) -> None:
    boards = _redfish(redfish.port)
    stranger = replace(_access("redfish", boards), fingerprint=None)
    with pytest.raises(BoardCertificateChanged):
        boards.power(stranger)


def test_an_authority_takes_the_place_of_a_pin(
    redfish: RedfishService, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(redfish.certificate.ca_pem)
    boards = _redfish(redfish.port, ca_file=str(ca_file))
    access = _access("redfish", boards)
    assert access.fingerprint is None
    assert boards.power(access) in Power
    other = RedfishService(tmp_path / "other")
    try:
        with pytest.raises(BoardUnavailable, match="certificate"):
            _redfish(other.port, ca_file=str(ca_file)).power(access)
    finally:
        other.stop()


def test_without_ipmitool_it_is_said_what_to_install() -> None:
    boards = _ipmi(623, program="no-such-ipmitool")
    with pytest.raises(BoardRefused, match="apt install ipmitool"):
        boards.power(_access("ipmi", boards))


def test_each_board_is_asked_in_its_own_language() -> None:
    first, second = FakeBoards(), FakeBoards()
    second.add("192.0.2.9", user=USER, password=PASSWORD)
    boards = BoardsByKind({"redfish": first, "ipmi": second})
    access = _access("ipmi", boards, "192.0.2.9")
    boards.order(access, Order.ON)
    assert boards.power(access) is Power.ON
    with pytest.raises(BoardUnavailable):
        boards.power(replace(access, kind="redfish"))
