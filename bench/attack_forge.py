# SPDX-License-Identifier: Apache-2.0
"""Datagrams that no agent sent, made from one that an agent did.

Each kind is what somebody tries who has seen a beat on the wire, or who holds one host's
key: flips of every bit, cut and longer ones, the tag of another direction or of another
session, sessions that are guessed, a replay, and numbers at the ends of their range.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import replace

from hummingbird.wire.heartbeat import TAG_BYTES, Ack, Beat, Wanted, seal_ack, seal_beat


def forgeries(
    beat: Beat, *, key: bytes, other: int, other_key: bytes
) -> Iterator[tuple[str, bytes]]:
    """Yield (kind, datagram).

    :param beat: one that was taken, sealed with `key`.
    :param other: another host's session, which does not belong to who has `key`.
    :param other_key: its key; only to cut its tag off again.
    """
    taken = seal_beat(beat, key=key)
    yield "replay", taken
    fresh = replace(beat, sequence=beat.sequence + 1000)
    good = seal_beat(fresh, key=key)
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        yield "flipped bit", bytes(flipped)
    for size in range(len(good)):
        yield "cut", good[:size]
    for more in (b"\0", os.urandom(1), os.urandom(16), good):
        yield "longer", good + more
    for tag in (bytes(TAG_BYTES), b"\xff" * TAG_BYTES, os.urandom(TAG_BYTES)):
        yield "guessed tag", good[:-TAG_BYTES] + tag
    yield "old tag", good[:-TAG_BYTES] + taken[-TAG_BYTES:]
    foreign = replace(fresh, session=other)
    yield "own key for another's session", seal_beat(foreign, key=key)
    theirs = seal_beat(foreign, key=other_key)
    yield "own tag for another's session", theirs[:-TAG_BYTES] + good[-TAG_BYTES:]
    for session in (0, 1, other + 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1):
        guess = replace(fresh, session=session)
        yield "guessed session", _sealed(guess, key=key)
        yield "guessed session", _sealed(guess, key=bytes(len(key)))
    ack = Ack(
        session=beat.session,
        sequence=fresh.sequence,
        next_period_seconds=1.0,
        wanted=Wanted.NOTHING,
    )
    yield "an acknowledgement as a beat", seal_ack(ack, key=key)


def _sealed(beat: Beat, *, key: bytes) -> bytes:
    try:
        return seal_beat(beat, key=key)
    except (ValueError, struct.error):
        return os.urandom(48)


def garbage() -> bytes:
    """Return bytes that are nothing, as long as a beat or not."""
    return os.urandom(1 + os.urandom(1)[0] % 100)
