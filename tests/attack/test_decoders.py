# SPDX-License-Identifier: Apache-2.0
"""Every decoder of what crosses, on anything: it refuses in its own words, or gives what
every database can store."""

import json
import math
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbird.wire import document, heartbeat, inventory, session
from hummingbird.wire.document import MessageInvalid
from hummingbird.wire.heartbeat import DatagramInvalid

KEY = bytes(range(32))
EXAMPLES = 150
DECODERS: tuple[Callable[[bytes], object], ...] = (
    document.read,
    session.decode_request,
    session.decode_session,
    inventory.decode,
    inventory.decode_report,
    inventory.decode_taken,
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
_FIELDS = st.sampled_from(
    [
        "schema",
        "kind",
        "stream",
        "sequence",
        "seen_at",
        "sent_at",
        "base",
        "hash",
        "sections",
        "token",
        "agent",
        "boot_id",
        "wire_version",
        "session",
        "key",
        "period_seconds",
        "udp_port",
        "system",
    ]
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200) | st.dictionaries(_FIELDS, _JSON).map(json.dumps))
def test_json_is_refused_in_the_decoders_own_words(body: bytes | str) -> None:
    data = body.encode() if isinstance(body, str) else body
    for decode in DECODERS:
        try:
            decode(data)
        except MessageInvalid:
            continue


@settings(max_examples=EXAMPLES, deadline=None)
@given(_JSON)
def test_what_passes_is_within_what_databases_store(content: Any) -> None:
    try:
        _within(document.read(json.dumps({"a": content}).encode()))
    except MessageInvalid:
        return


@settings(max_examples=EXAMPLES, deadline=None)
@given(_JSON)
def test_what_an_agent_cleans_passes(content: Any) -> None:
    made = document.storable({"a": content})
    assert document.read(json.dumps(made).encode()) == made


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=120))
def test_datagrams_of_anything_are_refused(data: bytes) -> None:
    for opened in (heartbeat.open_beat, heartbeat.open_ack, heartbeat.open_elsewhere):
        try:
            opened(data, key=KEY)
        except DatagramInvalid:
            continue
        raise AssertionError("it was taken")


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(min_size=58, max_size=58))
def test_a_beat_under_a_good_tag_has_numbers_that_databases_store(body: bytes) -> None:
    for length in (40, 50):
        said = b"HB\x01\x01" + body[:length]
        tag = heartbeat._tag(said, key=KEY, direction=b"\x01")
        try:
            beat = heartbeat.open_beat(said + tag, key=KEY)
        except DatagramInvalid:
            continue
        assert 0 < beat.session < 2**63 and beat.first_sequence > 0
        assert beat.sequence < 2**63 and beat.uptime_seconds < 2**31
        if beat.path is not None and beat.path.rtt_seconds is not None:
            assert math.isfinite(beat.path.rtt_seconds)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text() | st.integers().map(lambda number: f"Session {number}:ab"))
def test_a_signature_of_anything_is_refused(header: str) -> None:
    assert not session.verify(header, body=b"", key=KEY)
    try:
        assert 0 < session.signer(header) < 2**63
    except MessageInvalid:
        return


def _within(content: object) -> None:
    if isinstance(content, dict):
        for name, one in content.items():
            _within(name)
            _within(one)
    elif isinstance(content, list):
        for one in content:
            _within(one)
    elif isinstance(content, str):
        assert "\0" not in content
        content.encode()
    elif isinstance(content, float):
        assert math.isfinite(content)
    elif isinstance(content, int):
        assert -(2**63) <= content < 2**63
