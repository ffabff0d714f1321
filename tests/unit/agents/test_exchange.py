# SPDX-License-Identifier: Apache-2.0
"""Answers that are cut, endless or not HTTP; settings that are missing."""

from pathlib import Path

import pytest

from agents.link import settings
from agents.link.exchange import ExchangeFailed, Gateway, _parse
from agents.link.session import sentence


def test_a_whole_answer_is_taken() -> None:
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX: y\r\n\r\n{}"
    assert _parse(raw) == (201, b"{}")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 OK fine\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
    ],
)
def test_another_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(ExchangeFailed):
        _parse(raw)


def test_a_gateway_is_a_name_or_an_address_and_a_port() -> None:
    ca = Path("ca.crt")
    several = Gateway.parse("hb.example:2131,[fd00::1]:2132", ca_file=ca)
    assert several.places == (("hb.example", 2131), ("fd00::1", 2132))
    for wrong in (
        "",
        "hb.example",
        ":2131",
        "hb.example:port",
        "hb.example:1,",
        "hb.example:65536",
    ):
        with pytest.raises(ValueError, match="host:port"):
            Gateway.parse(wrong, ca_file=ca)


def test_settings_say_what_is_missing() -> None:
    with pytest.raises(settings.SettingsInvalid, match="NODE_NAME and GATEWAY"):
        settings.read({})
    with pytest.raises(settings.SettingsInvalid, match="GATEWAY"):
        settings.read({"NODE_NAME": "edge-0", "GATEWAY": "nowhere"})
    given = settings.read({"NODE_NAME": "edge-0", "GATEWAY": "192.0.2.1:2131"})
    assert given.gateway.places == (("192.0.2.1", 2131),)
    assert given.token_file == Path("/var/run/secrets/hummingbird/token")


def test_what_a_stranger_says_goes_into_the_log_tame() -> None:
    assert sentence(b'{"message": "no\\n\\u001b[31mway"}') == "no[31mway"
    assert len(sentence(b'{"message": "' + b"x" * 9999 + b'"}')) == 300
    for nonsense in (b"", b"[]", b"5", b"\xff", b'{"code": 1}'):
        assert sentence(nonsense) == ""
