# SPDX-License-Identifier: Apache-2.0
"""The datagrams: an agent's beat, the gateway's ack, "go elsewhere", and "I don't know
your session".

    every datagram   magic "HB", version u8, type u8, session u64, sequence u64
    beat             + boot_id 16 B, uptime u32 s, attempt u16, flags u16
                     + where flags have HAS_PATH: rtt u32 µs, sent u16, lost u16, mtu u16
    ack              + next_period u32 ms, flags u16; the sequence is the beat's
    elsewhere        nothing more; the sequence is the beat's, or the last one taken
    all but a nack   + tag: first 16 B of HMAC-SHA256(key, direction byte + all before)

Numbers are in network order. A beat is 60 B or 70 B, an ack 42 B, elsewhere 36 B, a nack
20 B: no answer is larger than its question, so nobody can be flooded through a gateway. A
gateway says "elsewhere" in the place of an ack while it can't write what it hears, and
unasked to each of its agents when it ends; an agent of before knows it not, and takes
it for silence. A beat has a path
only where the session says that the gateway takes one; numbers of 0 there are unknown.

Numbers are within what a database stores: a sequence is from 1 to 2^63-1 and more than
its attempt, an uptime less than 2^31 s. Whoever says another is dropped.

Each transmission, a repeated one too, has a sequence of its own; a receiver that keeps a
`ReplayWindow` takes each once. The direction byte keeps an ack from being sent back as a
beat. Nothing is encrypted: a beat holds no secret. A nack has no tag, so it is a hint
and no more: who gets one may ask for a new session, not drop the old one.
"""

import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Final

from hummingbird.wire.version import WIRE_VERSION

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
MAX_BYTES: Final = 100
"""A receiver reads no more than this of a datagram."""

_MAGIC: Final = b"HB"
_HEAD: Final = struct.Struct("!2sBBQQ")
_BEAT: Final = struct.Struct("!16sIHH")
_ACK: Final = struct.Struct("!IH")
_PATH: Final = struct.Struct("!IHHH")
_BEAT_WITH_PATH: Final = struct.Struct(_BEAT.format + _PATH.format.lstrip("!"))
_NOTHING: Final = struct.Struct("!")
_HAS_PATH: Final = 1
_FROM_AGENT: Final = b"\x01"
_FROM_GATEWAY: Final = b"\x02"
_U16: Final = 2**16 - 1
_U32: Final = 2**32 - 1
_U63: Final = 2**63 - 1
_UPTIME_MOST: Final = 2**31 - 1
"""68 years."""


class DatagramInvalid(ValueError):
    """Not a datagram of ours, or not from whom it says."""


class Kind(IntEnum):
    """The type of a datagram."""

    BEAT = 1
    ACK = 2
    UNKNOWN_SESSION = 3
    ELSEWHERE = 4


class Wanted(IntFlag):
    """What an ack asks its agent for."""

    NOTHING = 0
    REPORT = 1
    """The host's inventory is not known: report it, changed or not."""
    SESSION = 2
    """The session ends soon: open a new one."""


_BEAT_START: Final = _MAGIC + bytes([WIRE_VERSION, Kind.BEAT])


@dataclass(frozen=True)
class Head:
    """What every datagram begins with; not authenticated by itself."""

    kind: Kind
    session: int
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Path:
    """What an agent has measured of its way to the gateway and back."""

    rtt_seconds: float | None
    """From a datagram to its ack, smoothed."""
    sent: int
    """Datagrams of the last beats."""
    lost: int
    """Those of them that had no ack."""
    mtu: int | None
    """The largest packet that its kernel sends that way in one piece, in bytes."""


UNKNOWN_PATH: Final = Path(rtt_seconds=None, sent=0, lost=0, mtu=None)


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A sign of life."""

    session: int
    sequence: int
    boot_id: bytes
    """16 bytes of /proc/sys/kernel/random/boot_id."""
    uptime_seconds: int
    attempt: int = 0
    """How often this beat was sent before; its first sequence was this much lower."""
    path: Path | None = None

    @property
    def first_sequence(self) -> int:
        """The sequence of the first transmission of this beat."""
        return self.sequence - self.attempt


@dataclass(frozen=True, kw_only=True)
class Ack:
    """The answer to one transmission of a beat."""

    session: int
    sequence: int
    next_period_seconds: float
    wanted: Wanted = Wanted.NOTHING


def is_beat(data: bytes) -> bool:
    """Return whether the datagram says that it is a beat of this version; a gateway throws
    away what does not at the least cost."""
    return data.startswith(_BEAT_START)


def head(data: bytes) -> Head:
    """Return what the datagram says it is.

    :raises DatagramInvalid: it is none of this version.
    """
    if len(data) < _HEAD.size:
        raise DatagramInvalid("too short")
    magic, version, kind, session, sequence = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != WIRE_VERSION:
        raise DatagramInvalid("another protocol or version")
    if not 0 < session <= _U63 or not 0 < sequence <= _U63:
        raise DatagramInvalid("its numbers are out of bounds")
    try:
        return Head(Kind(kind), session, sequence)
    except ValueError as error:
        raise DatagramInvalid("unknown type") from error


def seal_beat(beat: Beat, *, key: bytes) -> bytes:
    """Return the beat as a datagram."""
    body = _HEAD.pack(_MAGIC, WIRE_VERSION, Kind.BEAT, beat.session, beat.sequence)
    body += _BEAT.pack(
        beat.boot_id,
        min(beat.uptime_seconds, _UPTIME_MOST),
        min(beat.attempt, _U16),
        0 if beat.path is None else _HAS_PATH,
    )
    if beat.path is not None:
        body += _packed(beat.path)
    return body + _tag(body, key=key, direction=_FROM_AGENT)


def open_beat(data: bytes, *, key: bytes) -> Beat:
    """Return the beat in a datagram.

    :raises DatagramInvalid: it is no beat, or `key` did not seal it.
    """
    is_long = len(data) == _HEAD.size + _BEAT.size + _PATH.size + TAG_BYTES
    shape = _BEAT_WITH_PATH if is_long else _BEAT
    said, body = _open(data, shape, Kind.BEAT, key=key, direction=_FROM_AGENT)
    boot_id, uptime, attempt, flags, *path = body
    if bool(flags & _HAS_PATH) != is_long:
        raise DatagramInvalid("its flags are those of another length")
    if attempt >= said.sequence or uptime > _UPTIME_MOST:
        raise DatagramInvalid("its numbers are out of bounds")
    return Beat(
        session=said.session,
        sequence=said.sequence,
        boot_id=boot_id,
        uptime_seconds=uptime,
        attempt=attempt,
        path=_path(*path) if is_long else None,
    )


def _packed(path: Path) -> bytes:
    # Known and 0 is not the same as unknown, which is 0 on the wire.
    microseconds = 0 if path.rtt_seconds is None else round(path.rtt_seconds * 1e6) or 1
    sent = min(path.sent, _U16)
    return _PATH.pack(
        min(microseconds, _U32), sent, min(path.lost, sent), min(path.mtu or 0, _U16)
    )


def _path(microseconds: int, sent: int, lost: int, mtu: int) -> Path:
    return Path(
        rtt_seconds=microseconds / 1e6 or None,
        sent=sent,
        lost=min(lost, sent),
        mtu=mtu or None,
    )


def seal_ack(ack: Ack, *, key: bytes) -> bytes:
    """Return the ack as a datagram."""
    body = _HEAD.pack(_MAGIC, WIRE_VERSION, Kind.ACK, ack.session, ack.sequence)
    period = round(ack.next_period_seconds * 1000)
    body += _ACK.pack(min(period, _U32), ack.wanted)
    return body + _tag(body, key=key, direction=_FROM_GATEWAY)


def open_ack(data: bytes, *, key: bytes) -> Ack:
    """Return the ack in a datagram.

    :raises DatagramInvalid: it is no ack, or `key` did not seal it.
    """
    said, body = _open(data, _ACK, Kind.ACK, key=key, direction=_FROM_GATEWAY)
    period, wanted = body
    return Ack(
        session=said.session,
        sequence=said.sequence,
        next_period_seconds=period / 1000,
        wanted=Wanted(wanted & (Wanted.REPORT | Wanted.SESSION)),
    )


def seal_elsewhere(*, session: int, sequence: int, key: bytes) -> bytes:
    """Return the datagram that sends an agent to another gateway."""
    body = _HEAD.pack(_MAGIC, WIRE_VERSION, Kind.ELSEWHERE, session, sequence)
    return body + _tag(body, key=key, direction=_FROM_GATEWAY)


def open_elsewhere(data: bytes, *, key: bytes) -> Head:
    """Return which transmission of an agent it names.

    :raises DatagramInvalid: it is none, or `key` did not seal it.
    """
    said, _ = _open(data, _NOTHING, Kind.ELSEWHERE, key=key, direction=_FROM_GATEWAY)
    return said


def unknown_session(said: Head) -> bytes:
    """Return the answer to a beat whose session has ended."""
    return _HEAD.pack(
        _MAGIC, WIRE_VERSION, Kind.UNKNOWN_SESSION, said.session, said.sequence
    )


def _open(
    data: bytes, shape: struct.Struct, kind: Kind, *, key: bytes, direction: bytes
) -> tuple[Head, tuple[Any, ...]]:
    said = head(data)
    end = _HEAD.size + shape.size
    if said.kind is not kind or len(data) != end + TAG_BYTES:
        raise DatagramInvalid(f"not a well-formed {kind.name.lower()}")
    tag = _tag(data[:end], key=key, direction=direction)
    if not hmac.compare_digest(tag, data[end:]):
        raise DatagramInvalid("the tag does not fit")
    return said, shape.unpack_from(data, _HEAD.size)


def _tag(body: bytes, *, key: bytes, direction: bytes) -> bytes:
    return hmac.digest(key, direction + body, "sha256")[:TAG_BYTES]
