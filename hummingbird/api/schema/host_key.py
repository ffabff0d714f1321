# SPDX-License-Identifier: Apache-2.0
"""A host's public SSH key, given by whoever has read it on the host: the pin, before any
contact."""

import base64
import binascii
from typing import Final

from hummingbird.errors import HostKeyInvalid

KEY_TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
"""What OpenSSH makes host keys of (sshd_config(5), HostKey), without DSA."""
HOST_KEY_MAX: Final = 4096
"""Characters; an RSA key of 16384 bits has 2,800."""


def parse_host_key(_name: str, value: object) -> str | None:
    """Return a host's public key as "TYPE BASE64", without its comment; None for none.

    :raises HostKeyInvalid: it is not one key of a known type.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > HOST_KEY_MAX:
        raise HostKeyInvalid(types=" ".join(KEY_TYPES))
    kind, _, rest = value.strip(" ").partition(" ")
    text = rest.lstrip(" ").partition(" ")[0]
    if kind not in KEY_TYPES or not value.isprintable() or not _is_key(kind, text):
        raise HostKeyInvalid(types=" ".join(KEY_TYPES))
    return f"{kind} {text}"


def _is_key(kind: str, text: str) -> bool:
    # Not at the top: it takes longer to load than the rest of the API's start.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        blob = base64.b64decode(text.encode("ascii"), validate=True)
        load_ssh_public_key(f"{kind} {text}".encode())
    except (UnicodeEncodeError, binascii.Error, ValueError, UnsupportedAlgorithm):
        return False
    return base64.b64encode(blob).decode() == text
