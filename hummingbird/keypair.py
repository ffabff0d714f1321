# SPDX-License-Identifier: Apache-2.0
"""Keys of which one half is secret: WireGuard's and a node's are made here, SSH's get
their other half.

The private half is the caller's to keep; nothing is stored or logged.
"""

import base64
import os

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.x509.oid import NameOID


def make_wireguard_key() -> tuple[str, str]:
    """Return a new private key and its public key, both in base64 (RFC 7748)."""
    private = base64.b64encode(os.urandom(32)).decode()
    return private, wireguard_public_key(private)


def wireguard_public_key(private_key: str) -> str:
    """Return the public key of a private one, both in base64."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def make_node_key(hostname: str) -> tuple[str, str]:
    """Return a new private key (PKCS #8) and a certificate request (PKCS #10) that names
    it the node `hostname` of Kubernetes, both PEM.

    The subject is what Kubernetes' node authorizer looks for
    (https://kubernetes.io/docs/reference/access-authn-authz/node/).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(
        _node_subject(hostname)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return private.decode(), public.decode()


def asks_for_node(request: str, hostname: str) -> bool:
    """Return whether a certificate request (PEM) is for the node `hostname` and for
    nothing else.

    :raises ValueError: it can't be read.
    """
    asked = x509.load_pem_x509_csr(request.encode())
    return (
        asked.is_signature_valid
        and asked.subject == _node_subject(hostname)
        and not list(asked.extensions)
    )


def _node_subject(hostname: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{hostname}"),
        ]
    )


def ssh_public_key(private_key: str) -> str | None:
    """Return the line of authorized_keys for a private key (PEM or OpenSSH text, without
    a passphrase), without a comment; None where it can't be read."""
    text = (private_key.rstrip() + "\n").encode()
    loaders = (
        serialization.load_ssh_private_key,
        serialization.load_pem_private_key,
    )
    for load in loaders:
        try:
            public = load(text, None).public_key()
            line = public.public_bytes(
                serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
            )
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return line.decode()
    return None
