# SPDX-License-Identifier: Apache-2.0
"""How the conductor gets into a host. Secrets are write-only: no view shows them."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One way in, secrets open; lives only as long as the work that needs it."""

    id: int
    uuid: str
    name: str
    user: str
    port: int
    become: bool
    """Whether `user` needs sudo to be root."""
    private_key: str | None = field(repr=False)
    password: str | None = field(repr=False)
    become_password: str | None = field(repr=False)
    password_on_first_contact: bool = False
    """Whether its passwords may go to a host whose SSH key is not pinned yet."""
    created_at: datetime
