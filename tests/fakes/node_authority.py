# SPDX-License-Identifier: Apache-2.0
"""The authority of a cluster in memory: signs certificates of nodes and knows its own."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from hummingbird.clock import Clock
from hummingbird.errors import KubernetesRefused
from hummingbird.keypair import asks_for_node

SHORTEST: Final = timedelta(minutes=10)
BACKDATED: Final = timedelta(minutes=5)
"""As the controller manager does (kubernetes pkg/controller/certificates/signer)."""


class NodeAuthority:
    """Signs as the signer kubernetes.io/kube-apiserver-client-kubelet does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signed: dict[str, str] = {}

    @property
    def certificate(self) -> str:
        """The authority's own certificate, PEM."""
        return _pem(self._own[1])

    def sign(self, request: str, *, hostname: str, lifetime: timedelta) -> str:
        """Return a certificate (PEM) for `request`, always the same for the same one.

        :raises KubernetesRefused: it asks for what is not the identity of `hostname`.
        """
        if request not in self._signed:
            if not asks_for_node(request, hostname):
                raise KubernetesRefused(
                    action="sign", message="not for that node alone"
                )
            asked = x509.load_pem_x509_csr(request.encode())
            self._signed[request] = _pem(
                self._issue(
                    asked.subject,
                    asked.public_key(),
                    until=self._clock.now() + max(lifetime, SHORTEST),
                )
            )
        return self._signed[request]

    def node_of(self, certificate: str) -> str | None:
        """Return the node that a certificate (PEM) of this authority speaks for now."""
        shown = x509.load_pem_x509_certificate(certificate.encode())
        try:
            shown.verify_directly_issued_by(self._own[1])
        except (InvalidSignature, ValueError, TypeError):
            return None
        is_now = (
            shown.not_valid_before_utc <= self._clock.now() < shown.not_valid_after_utc
        )
        return _node(shown.subject) if is_now else None

    @cached_property
    def _own(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake")])
        return key, self._certify(
            name,
            key.public_key(),
            name,
            key,
            until=self._clock.now() + timedelta(days=3650),
        )

    def _issue(
        self,
        subject: x509.Name,
        key: CertificatePublicKeyTypes,
        *,
        until: datetime,
    ) -> x509.Certificate:
        own_key, own = self._own
        return self._certify(subject, key, own.subject, own_key, until=until)

    def _certify(
        self,
        subject: x509.Name,
        key: CertificatePublicKeyTypes,
        issuer: x509.Name,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        until: datetime,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._clock.now() - BACKDATED)
            .not_valid_after(until)
            .sign(issuer_key, hashes.SHA256())
        )


def _node(subject: x509.Name) -> str | None:
    """Return the node that a subject names, as the node authorizer reads it."""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if [group.value for group in groups] != ["system:nodes"] or len(names) != 1:
        return None
    prefix, _, node = str(names[0].value).rpartition(":")
    return node if prefix == "system:node" else None


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
