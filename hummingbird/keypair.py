# SPDX-License-Identifier: Apache-2.0
"""Keys of which one half is secret: WireGuard's are made here, SSH's get their other half.

The private half is the caller's to keep; nothing is stored or logged.
"""

import base64
import os

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def make_wireguard_key() -> tuple[str, str]:
    """Return a new private key and its public key, both in base64 (RFC 7748)."""
    private = base64.b64encode(os.urandom(32)).decode()
    return private, wireguard_public_key(private)


def wireguard_public_key(private_key: str) -> str:
    """Return the public key of a private one, both in base64."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


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
