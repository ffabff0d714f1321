# SPDX-License-Identifier: Apache-2.0
"""The gateway's certificate: made once, renewed in time, keys for us alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import ManualClock

NAMES = ["192.168.204.2", "127.0.0.1", "controller-0", "fd00::1"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_names_and_issuer_are_right_and_keys_are_ours(
    tmp_path: Path, clock: ManualClock
) -> None:
    made = ensure_server_certificate(tmp_path / "pki", NAMES, clock=clock)
    server = x509.load_pem_x509_certificate(made.cert_path.read_bytes())
    authority = x509.load_pem_x509_certificate(made.ca_pem.encode())
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert {str(name.value) for name in names.value} == set(NAMES)
    for path in made.key_path.parent.iterdir():
        is_key = b"PRIVATE KEY" in path.read_bytes()
        assert not is_key or path.stat().st_mode & 0o777 == 0o600
    assert made.key_path.parent.stat().st_mode & 0o777 == 0o700


def test_it_is_made_once(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, NAMES, clock=clock)
    before = made.cert_path.read_bytes(), made.key_path.read_bytes()
    clock.advance(timedelta(days=300).total_seconds())
    again = ensure_server_certificate(tmp_path, reversed(NAMES), clock=clock)
    assert (again.cert_path.read_bytes(), again.key_path.read_bytes()) == before
    assert again == made


@pytest.mark.parametrize("why", ["its end is near", "other names", "another key"])
def test_it_is_renewed_under_the_same_authority(
    tmp_path: Path, clock: ManualClock, why: str
) -> None:
    made = ensure_server_certificate(tmp_path, NAMES, clock=clock)
    before = made.cert_path.read_bytes()
    names = NAMES
    if why == "its end is near":
        clock.advance(timedelta(days=370).total_seconds())
    elif why == "other names":
        names = [*NAMES, "gateway.example"]
    else:
        made.key_path.write_bytes((tmp_path / "ca.pem").read_bytes())
    again = ensure_server_certificate(tmp_path, names, clock=clock)
    assert again.cert_path.read_bytes() != before
    assert again.fingerprint == made.fingerprint
    server = x509.load_pem_x509_certificate(again.cert_path.read_bytes())
    assert server.not_valid_after_utc - clock.now() > timedelta(days=300)


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        ensure_server_certificate(tmp_path, ["", "a"])
