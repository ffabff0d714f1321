# SPDX-License-Identifier: Apache-2.0
"""What belongs to a deployment and not to one of its controllers.

A deployment has one sealing key, in a file on each controller; everything else that its
controllers share is kept in the database, sealed with that key: the authority of its
certificates, the secret of its gateways, the API's token. The key itself is known there by
a fingerprint alone.
"""

import hashlib
import hmac
from enum import StrEnum


class Shared(StrEnum):
    """What the controllers of a deployment share, by its name in the database."""

    IDENTITY = "identity"
    """The sealing key's fingerprint; the one that is not sealed."""
    AUTHORITY_CERTIFICATE = "authority_certificate"
    AUTHORITY_KEY = "authority_key"
    GATEWAY_KEY = "gateway_key"
    """What the keys of agents' sessions are derived from."""
    TOKEN = "token"  # noqa: S105 - a name
    """The API's, where no Keystone says who asks."""


def identity_of(sealing_key: bytes) -> str:
    """Return a fingerprint of a sealing key, 32 hexadecimal digits; it says nothing of the
    key (HMAC-SHA256 of a constant, RFC 2104)."""
    purpose = b"hummingbird deployment identity"
    return hmac.new(sealing_key, purpose, hashlib.sha256).hexdigest()[:32]
