# SPDX-License-Identifier: Apache-2.0
"""Both ports speak TLS, with a certificate that can be checked, or don't start."""

import contextlib
import functools
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.api.http import server as api_service
from hummingbird.api.http.server import ApiService
from hummingbird.clock import SystemClock
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import open_database
from hummingbird.cmd.deployment import adopt
from hummingbird.conf import Conf, new
from hummingbird.db.session import Database
from hummingbird.errors import CertificateInvalid, PlainHttpRefused
from hummingbird.secretbox import SecretBox
from tests.free_port import free_port
from tests.tls_records import Client

Start = Callable[..., ApiService]


@pytest.fixture
def conf(tmp_path: Path) -> Conf:
    made = new()
    made([], project="hummingbird", default_config_files=[])
    made.set_override("state_directory", str(tmp_path / "state"))
    made.set_override("port", 0, group="api")
    made.set_override("fm_port", 0, group="api")
    return made


@pytest.fixture
def start(conf: Conf) -> Iterator[Start]:
    database: Database = open_database(conf, SystemClock())
    made: list[ApiService] = []

    def start(**options: object) -> ApiService:
        for name, value in options.items():
            conf.set_override(name, value, group="api")
        service = ApiService(
            conf,
            database,
            SystemClock(),
            adopt(conf, database, SystemClock()),
            lambda: None,
            certificate=lambda: api_certificate(conf),
        )
        made.append(service)
        service.start()
        return service

    yield start
    for service in made:
        service.stop()
    database.dispose()


def greet(url: str, authority: Path | None) -> int:
    """Return the status of the one path that both ports answer to anybody."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{url}/", verify=str(authority) if authority else True, timeout=60
        )
        return answer.status_code


def test_a_certificate_is_made_at_the_first_start_and_stays(
    start: Start, conf: Conf
) -> None:
    one = start(fm_port=free_port())
    assert one.certificate is not None and one.certificate.ca_path is not None
    assert stat.S_IMODE(one.certificate.key_path.stat().st_mode) == 0o600
    before = one.certificate.cert_path.read_bytes()
    for url in (one.url, one.fm_url):
        assert url.startswith("https://127.0.0.1:")
        assert greet(url, one.certificate.ca_path) == 200
        with pytest.raises(requests.exceptions.SSLError):
            greet(url, None)
    one.stop()
    again = start(fm_port=0)
    assert again.certificate == one.certificate
    assert again.certificate.cert_path.read_bytes() == before


def test_plain_http_is_not_answered(start: Start) -> None:
    service = start()
    with pytest.raises(requests.exceptions.ConnectionError):
        greet(service.url.replace("https", "http"), None)


def test_old_protocols_are_refused(start: Start) -> None:
    service = start()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    port = int(service.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as link,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(link)


@pytest.mark.parametrize("door", ["api", "fm"])
def test_a_peer_can_not_ask_for_new_keys_without_end(start: Start, door: str) -> None:
    """As TLS 1.3 lets it, while no request of anybody else is read."""
    service = start(fm_port=free_port())
    assert service.certificate is not None
    url = service.url if door == "api" else service.fm_url
    peers = [Client(int(url.rpartition(":")[2])) for _ in range(3)]
    for peer in peers:
        with contextlib.suppress(ConnectionError):
            peer.say(*(peer.new_keys() for _ in range(2000)))
    assert greet(url, service.certificate.ca_path) == 200
    for peer in peers:
        assert peer.is_sent_away()
        peer.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_today_are_spoken(
    start: Start, version: ssl.TLSVersion
) -> None:
    service = start()
    assert service.certificate is not None
    context = ssl.create_default_context(cafile=service.certificate.ca_path)
    context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    with (
        socket.create_connection(address, timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as spoken,
    ):
        assert spoken.version() == version.name.replace("v1_", "v1.")


def test_a_certificate_that_is_given_is_shown(start: Start, tmp_path: Path) -> None:
    theirs = ensure_server_certificate(tmp_path / "pki", ["127.0.0.1"], server="theirs")
    service = start(
        cert_file=str(theirs.cert_path),
        key_file=str(theirs.key_path),
        ca_file=str(theirs.ca_path),
    )
    assert service.certificate == theirs
    assert greet(service.url, theirs.ca_path) == 200


def test_a_certificate_that_was_replaced_is_shown_without_a_restart(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_service, "MIND_SECONDS", 0.05)
    make = functools.partial(ensure_server_certificate, server="theirs")
    old, new = make(tmp_path / "old", ["127.0.0.1"]), make(tmp_path / "new", ["::1"])
    service = start(cert_file=str(old.cert_path), key_file=str(old.key_path))
    assert greet(service.url, old.ca_path) == 200
    for path in (old.key_path, old.cert_path):
        (tmp_path / "new" / path.name).replace(path)
    port = int(service.url.rpartition(":")[2])
    deadline = time.monotonic() + 60
    while "::1" not in names_shown(port, authority=new.ca_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def names_shown(port: int, *, authority: Path | None) -> list[str]:
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        try:
            with context.wrap_socket(link) as spoken:
                shown = spoken.getpeercert() or {}
        except ssl.SSLCertVerificationError:
            return []  # still the old one, of another authority
    return [
        str(socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, name)))
        for kind, name in shown.get("subjectAltName", ())  # type: ignore[misc]
        if kind == "IP Address"
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cert_file": "none.crt", "key_file": "none.pem"}, "none.crt"),
        ({"cert_file": "none.crt"}, "go together"),
        ({"cert_file": "ca.crt", "key_file": "api.pem"}, "is not the key of"),
        ({"cert_file": "api.pem", "key_file": "api.pem"}, "can't be used"),
    ],
)
def test_a_certificate_that_can_t_be_used_is_told(
    conf: Conf, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    ensure_server_certificate(tmp_path, ["127.0.0.1"], server="api")
    for name, value in options.items():
        conf.set_override(name, str(tmp_path / value), group="api")
    with pytest.raises(CertificateInvalid, match=said):
        api_certificate(conf)


def test_all_addresses_of_the_machine_are_in_it_where_all_are_listened_on(
    conf: Conf,
) -> None:
    conf.set_override("bind", "0.0.0.0", group="api")  # noqa: S104
    conf.set_override("tls_names", ["edge.example"], group="api")
    made = api_certificate(conf)
    assert made is not None
    known = ssl._ssl._test_decode_cert(str(made.cert_path))  # type: ignore[attr-defined]
    names = {name for _, name in known["subjectAltName"]}
    assert {"127.0.0.1", "localhost", "edge.example"} <= names
    assert "0.0.0.0" not in names  # noqa: S104


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "localhost"])
def test_plain_http_is_served_on_the_loopback_when_told_to(
    conf: Conf, bind: str
) -> None:
    conf.set_override("tls", False, group="api")
    conf.set_override("bind", bind, group="api")
    assert api_certificate(conf) is None


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "edge.example"])  # noqa: S104
def test_plain_http_is_never_served_to_strangers(conf: Conf, bind: str) -> None:
    conf.set_override("tls", False, group="api")
    conf.set_override("bind", bind, group="api")
    with pytest.raises(PlainHttpRefused):
        api_certificate(conf)


def test_a_service_without_a_certificate_does_not_fall_back_to_plain_http(
    conf: Conf, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(CertificateInvalid):
        ApiService(
            conf,
            database,
            SystemClock(),
            SecretBox(Fernet.generate_key()),
            lambda: None,
        )


def test_strangers_who_say_nothing_take_no_worker(start: Start) -> None:
    service = start(threads=2)
    assert service.certificate is not None
    port = int(service.url.rpartition(":")[2])
    silent = [
        socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(8)
    ]
    assert greet(service.url, service.certificate.ca_path) == 200
    for link in silent:
        link.close()
