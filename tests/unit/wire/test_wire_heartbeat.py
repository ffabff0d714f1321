# SPDX-License-Identifier: Apache-2.0
"""Datagrams: what was sealed opens, and nothing else does."""

import struct
from dataclasses import replace
from uuid import UUID

import pytest

from hummingbird.wire import heartbeat as wire
from hummingbird.wire.heartbeat import (
    Ack,
    Beat,
    DatagramInvalid,
    Head,
    Kind,
    Path,
    Wanted,
)

KEY = bytes(range(32))
OTHER = bytes(32)
BEAT = Beat(
    session=2**63 - 1,
    sequence=2**40,
    boot_id=UUID("662916f8-1f02-4673-b496-5c0d7d3ffcac").bytes,
    uptime_seconds=86_400,
    attempt=3,
)
LONG = replace(BEAT, path=Path(rtt_seconds=0.08125, sent=70, lost=3, mtu=1240))
ACK = Ack(
    session=7,
    sequence=2**40,
    next_period_seconds=12.345,
    wanted=Wanted.REPORT | Wanted.SESSION,
)


def test_what_was_sealed_opens_unchanged() -> None:
    assert wire.open_beat(wire.seal_beat(BEAT, key=KEY), key=KEY) == BEAT
    assert wire.open_beat(wire.seal_beat(LONG, key=KEY), key=KEY) == LONG
    assert wire.open_ack(wire.seal_ack(ACK, key=KEY), key=KEY) == ACK


def test_the_bytes_are_as_documented() -> None:
    beat = wire.seal_beat(BEAT, key=KEY)
    magic, version, kind, session, sequence = struct.unpack_from("!2sBBQQ", beat)
    assert (magic, version, kind) == (b"HB", 1, 1)
    assert (session, sequence) == (BEAT.session, BEAT.sequence)
    assert beat[20:36] == BEAT.boot_id
    assert struct.unpack_from("!IHH", beat, 36) == (86_400, 3, 0)
    assert len(beat) == 60
    beat = wire.seal_beat(LONG, key=KEY)
    assert struct.unpack_from("!IHHIHHH", beat, 36) == (
        86_400,
        3,
        1,
        81_250,
        70,
        3,
        1240,
    )
    assert len(beat) == 70


def test_what_is_not_known_of_a_path_is_not_taken_for_nothing() -> None:
    unknown = Path(rtt_seconds=None, sent=0, lost=0, mtu=None)
    for path in (unknown, replace(unknown, rtt_seconds=1e-6)):
        beat = replace(BEAT, path=path)
        assert wire.open_beat(wire.seal_beat(beat, key=KEY), key=KEY).path == path
    near = replace(BEAT, path=replace(unknown, rtt_seconds=0.0))
    opened = wire.open_beat(wire.seal_beat(near, key=KEY), key=KEY)
    assert opened.path is not None and opened.path.rtt_seconds == 1e-6


def test_flags_of_another_length_are_refused() -> None:
    """Also where they are under a good tag."""
    for beat, flag in ((BEAT, 1), (LONG, 0)):
        data = bytearray(wire.seal_beat(beat, key=KEY)[:-16])
        data[43] = flag
        tag = wire._tag(bytes(data), key=KEY, direction=b"\x01")
        with pytest.raises(DatagramInvalid):
            wire.open_beat(bytes(data) + tag, key=KEY)


def test_no_answer_is_larger_than_its_question() -> None:
    beat = len(wire.seal_beat(BEAT, key=KEY))
    assert len(wire.seal_ack(ACK, key=KEY)) < beat < wire.MAX_BYTES
    assert len(wire.unknown_session(Head(Kind.BEAT, 1, 2))) < beat


@pytest.mark.parametrize("position", range(60))
def test_a_beat_with_one_bit_changed_is_refused(position: int) -> None:
    beat = bytearray(wire.seal_beat(BEAT, key=KEY))
    beat[position] ^= 1
    with pytest.raises(DatagramInvalid):
        wire.open_beat(bytes(beat), key=KEY)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(DatagramInvalid):
        wire.open_beat(wire.seal_beat(BEAT, key=OTHER), key=KEY)
    with pytest.raises(DatagramInvalid):
        wire.open_ack(wire.seal_ack(ACK, key=OTHER), key=KEY)


@pytest.mark.parametrize("length", [0, 1, 2, 19, 20, 21, 59, 61, 69, 70, 71, 100])
def test_another_length_is_refused(length: int) -> None:
    beat = (wire.seal_beat(BEAT, key=KEY) + bytes(100))[:length]
    with pytest.raises(DatagramInvalid):
        wire.open_beat(beat, key=KEY)


def test_a_datagram_is_not_taken_for_one_of_the_other_direction() -> None:
    ack = wire.seal_ack(ACK, key=KEY)
    with pytest.raises(DatagramInvalid):
        wire.open_beat(ack, key=KEY)
    with pytest.raises(DatagramInvalid):
        wire.open_ack(wire.seal_beat(BEAT, key=KEY), key=KEY)


def test_the_direction_is_under_the_tag() -> None:
    # A beat's body under the tag that the other direction gives it.
    beat = wire.seal_beat(BEAT, key=KEY)
    wrong = wire._tag(beat[:44], key=KEY, direction=b"\x02")
    with pytest.raises(DatagramInvalid):
        wire.open_beat(beat[:44] + wrong, key=KEY)


def test_elsewhere_is_sealed_and_of_one_transmission() -> None:
    data = wire.seal_elsewhere(session=7, sequence=2**40, key=KEY)
    assert len(data) == 36 and wire.head(data).kind is Kind.ELSEWHERE
    assert wire.open_elsewhere(data, key=KEY) == Head(Kind.ELSEWHERE, 7, 2**40)
    with pytest.raises(DatagramInvalid):
        wire.open_elsewhere(data, key=OTHER)
    for position in range(36):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(DatagramInvalid):
            wire.open_elsewhere(bytes(changed), key=KEY)
    for other in (wire.seal_ack(ACK, key=KEY), wire.seal_beat(BEAT, key=KEY)):
        with pytest.raises(DatagramInvalid):
            wire.open_elsewhere(other, key=KEY)


def test_an_unknown_session_is_said_of_the_question() -> None:
    said = wire.head(wire.unknown_session(Head(Kind.BEAT, 5, 9)))
    assert said == Head(Kind.UNKNOWN_SESSION, 5, 9)


def test_numbers_that_do_not_fit_are_clipped_by_who_sends_them() -> None:
    beat = replace(BEAT, uptime_seconds=2**40, attempt=2**20)
    opened = wire.open_beat(wire.seal_beat(beat, key=KEY), key=KEY)
    assert (opened.uptime_seconds, opened.attempt) == (2**31 - 1, 2**16 - 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sequence": 2**63},
        {"sequence": 2**64 - 1},
        {"sequence": 0, "attempt": 0},
        {"session": 0},
        {"session": 2**63},
        {"sequence": 3, "attempt": 3},
        {"sequence": 3, "attempt": 65535},
    ],
    ids=str,
)
def test_numbers_that_no_database_holds_are_refused_under_a_good_tag(
    wrong: dict[str, int],
) -> None:
    beat = wire.seal_beat(replace(BEAT, **wrong), key=KEY)  # type: ignore[arg-type]
    with pytest.raises(DatagramInvalid, match="bounds"):
        wire.open_beat(beat, key=KEY)


def test_an_uptime_that_no_database_holds_is_refused_under_a_good_tag() -> None:
    data = bytearray(wire.seal_beat(BEAT, key=KEY)[:-16])
    data[36:40] = (2**31).to_bytes(4, "big")
    tag = wire._tag(bytes(data), key=KEY, direction=b"\x01")
    with pytest.raises(DatagramInvalid, match="bounds"):
        wire.open_beat(bytes(data) + tag, key=KEY)
