# SPDX-License-Identifier: Apache-2.0
"""The certificates that our servers show, and the authority behind them.

Made in the state directory at the first start; the agents get the authority's
certificate with their chart and the command line finds it in the state directory, and
both trust nothing else. The authority stays for ten years, a server's certificate is made
anew when it lacks a name or its end comes near. Keys are of mode 0600 and never leave the
directory.
"""

import fcntl
import hashlib
import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hummingbird.clock import Clock, SystemClock
from hummingbird.secretbox import put_secret, read_secret
from hummingbird.tls import Certificate

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 397
RENEW_DAYS: Final = 30
CLOCK_SKEW: Final = timedelta(days=1)
"""A box without a battery clock may live in the past; it must still come in."""


def ensure_server_certificate(
    directory: Path,
    names: Iterable[str],
    *,
    server: str = "gateway",
    clock: Clock | None = None,
) -> Certificate:
    """Return a certificate of `server` that is good for all of `names` (DNS names and IP
    addresses), made or renewed if need be.

    :raises ValueError: a name is empty, or a file in `directory` is not what it should be.
    """
    wanted = frozenset(names)
    now = (clock or SystemClock()).now()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Certificate(
        cert_path=directory / f"{server}.crt",
        key_path=directory / f"{server}.pem",
        ca_path=directory / "ca.crt",
        fingerprint="",
    )
    with _alone(directory / ".lock"):
        ca, ca_key = _authority(directory / "ca.crt", directory / "ca.pem", now=now)
        if not _is_good(files, wanted, ca=ca, now=now):
            _issue(files, wanted, server=server, ca=ca, ca_key=ca_key, now=now)
    return replace(files, fingerprint=_fingerprint(ca))


def given_certificate(
    cert_path: Path, key_path: Path, ca_path: Path | None
) -> Certificate:
    """Return a certificate that somebody else made, with its fingerprint.

    :raises OSError: a file can't be read.
    :raises ValueError: one is not what it should be, or the key is another's.
    """
    certificate = x509.load_pem_x509_certificate(cert_path.read_bytes())
    key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    if key.public_key() != certificate.public_key():
        raise ValueError(f"{key_path} is not the key of {cert_path}")
    shown = certificate
    if ca_path is not None:
        shown = x509.load_pem_x509_certificate(ca_path.read_bytes())
    return Certificate(cert_path, key_path, ca_path, fingerprint=_fingerprint(shown))


def _authority(
    path: Path, key_path: Path, *, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if path.exists() and key_path.exists():
        key = serialization.load_pem_private_key(read_secret(key_path), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_path} is no key of this authority")
        return x509.load_pem_x509_certificate(path.read_bytes()), key
    pem, key_pem = make_authority(now=now)
    put_secret(key_path, key_pem, mode=0o600)
    put_secret(path, pem, mode=0o644)
    return _authority(path, key_path, now=now)


def make_authority(*, now: datetime | None = None) -> tuple[bytes, bytes]:
    """Return the certificate and the key of a new authority (PEM, PKCS #8).

    :param now: when it begins; default: now.
    """
    now = now or SystemClock().now()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hummingbird CA")])
    usage = _usage(signs_certificates=True)
    certificate = (
        _builder(name, name, key.public_key(), now=now, days=AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key)


def first_certificate(pem: bytes) -> bytes:
    """Return the first certificate of a file of several (PEM)."""
    first = x509.load_pem_x509_certificates(pem)[0]
    return first.public_bytes(serialization.Encoding.PEM)


def _is_good(
    files: Certificate, names: frozenset[str], *, ca: x509.Certificate, now: datetime
) -> bool:
    if not files.cert_path.exists() or not files.key_path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(files.cert_path.read_bytes())
    if certificate.not_valid_after_utc - now < timedelta(days=RENEW_DAYS):
        return False
    if certificate.issuer != ca.subject or not _signed(certificate, ca):
        return False
    # A crash between the two files leaves a key that is not this certificate's.
    key = serialization.load_pem_private_key(files.key_path.read_bytes(), password=None)
    if key.public_key() != certificate.public_key():
        return False
    said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {_general_name(name) for name in names} <= set(said.value)


def _signed(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _issue(
    files: Certificate,
    names: frozenset[str],
    *,
    server: str,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Hummingbird {server}")]
    )
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    certificate = (
        _builder(subject, ca.subject, key.public_key(), now=now, days=SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(
            x509.SubjectAlternativeName(
                [_general_name(name) for name in sorted(names)]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                identifier.value
            ),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    put_secret(files.key_path, _key_pem(key), mode=0o600)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    put_secret(files.cert_path, pem, mode=0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    *,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    if not name:
        raise ValueError("an empty name can't be in a certificate")
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _fingerprint(certificate: x509.Certificate) -> str:
    der = certificate.public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
