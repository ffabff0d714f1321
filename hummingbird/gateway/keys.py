# SPDX-License-Identifier: Apache-2.0
"""The numbers and keys of sessions: derived from the deployment's secret, not stored.

A session is a row with an id and a random nonce of 128 bits. Its key is HMAC-SHA256 of both
under `gateway.key`: every gateway that has this file and the row can check every session. An
id that a database gives out again, because an older copy of it was restored, comes with
another nonce, so that whoever has a key of before can speak for nobody.

The nonce is in the database, which a stranger's datagram must not cost a look into. So the
number that crosses is the id with 32 bits that are derived from it: numbers that were never
given out are refused without looking, but for one guess in four thousand million.
"""

import hmac
import secrets
from pathlib import Path
from typing import Final

from hummingbird.domain.heartbeat import AgentSession
from hummingbird.secretbox import read_secret, write_secret_once

NONCE_BYTES: Final = 16
_CHECK_BITS: Final = 32
_LARGEST_ID: Final = 2**31 - 1
"""What the table's id can be on every database; a number has 63 bits on the wire."""


class SessionKeys:
    """Derives from one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_file(cls, path: Path) -> "SessionKeys":
        """Read the secret from `path`; made there, mode 0600, if there is none."""
        write_secret_once(path, secrets.token_bytes(32))
        secret = read_secret(path)
        if len(secret) < 32:
            raise ValueError(f"{path} is too short to be the gateway's secret")
        return cls(secret)

    def number(self, session: AgentSession) -> int:
        """Return the number that its agent calls a session by."""
        if session.nonce is None:
            return session.id
        return session.id << _CHECK_BITS | self._check(session.id)

    def row_of(self, number: int) -> int | None:
        """Return the id of the row of the session with this number; None: there can't be
        one. Whether there is one is known to the database."""
        row = number >> _CHECK_BITS
        if row == 0:
            # Of a gateway of a release before, whose numbers are ids.
            return number if number <= _LARGEST_ID else None
        if row > _LARGEST_ID or number & (2**_CHECK_BITS - 1) != self._check(row):
            return None
        return row

    def key(self, session: AgentSession) -> bytes:
        """Return the key of a session."""
        if session.nonce is None:
            return self.key_of_before(session.id)
        said = b"session 2" + session.id.to_bytes(8, "big")
        return hmac.digest(self._secret, said + bytes.fromhex(session.nonce), "sha256")

    def key_of_before(self, number: int) -> bytes:
        """Return the key that a gateway of a release before gave to a session that has no
        nonce. Such sessions end within `[gateway]session_seconds` of the upgrade."""
        return hmac.digest(
            self._secret, b"session" + number.to_bytes(8, "big"), "sha256"
        )

    def _check(self, row: int) -> int:
        tag = hmac.digest(self._secret, b"number" + row.to_bytes(8, "big"), "sha256")
        return int.from_bytes(tag[: _CHECK_BITS // 8], "big")


def new_nonce() -> str:
    """Return the nonce of a new session, in hex."""
    return secrets.token_hex(NONCE_BYTES)
