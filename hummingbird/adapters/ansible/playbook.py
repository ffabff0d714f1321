# SPDX-License-Identifier: Apache-2.0
"""What a playbook run takes and gives, whoever runs it.

Plain frozen data and one protocol: the conductor knows this file and no more. The real
runner is `runner.AnsibleRunner`; the one for tests and simulations keeps to the same
contract (tests/contract/test_playbook_runner.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from hummingbird.errors import HummingbirdError

MESSAGE_LIMIT = 500
"""Characters of a message; a person reads it in a table, the log has the rest."""

EventStatus = Literal["started", "ok", "changed", "skipped", "failed", "unreachable"]
ResultStatus = Literal["successful", "failed", "unreachable", "cancelled", "timeout"]


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """How to get into one host. Lives only as long as the run that needs it."""

    address: str
    port: int = 22
    user: str
    private_key: str | None = field(default=None, repr=False)
    """PEM or OpenSSH text, without a passphrase."""
    password: str | None = field(default=None, repr=False)
    become: bool = True
    """Whether `user` needs sudo to be root."""
    become_password: str | None = field(default=None, repr=False)
    known_hosts: str | None = None
    """What was pinned at first contact; None: this is the first contact."""
    password_on_first_contact: bool = False
    """Whether a password may go to a host whose key is not pinned."""

    @property
    def tells_password(self) -> bool:
        """Whether a login tells the host a password: the user's, or that for sudo."""
        return bool(self.password or (self.become and self.become_password))

    @property
    def is_refused(self) -> bool:
        """Whether a password would go to whatever answers, and nobody allowed that."""
        return (
            self.tells_password
            and not self.known_hosts
            and not self.password_on_first_contact
        )


@dataclass(frozen=True, kw_only=True)
class PlaybookEvent:
    """One thing that happened in a run."""

    step: str
    """The role that the task belongs to, or the play's name outside of roles."""
    task: str
    status: EventStatus
    message: str = ""
    """At most MESSAGE_LIMIT characters, without secrets."""
    duration_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class PlaybookResult:
    """How a run ended."""

    status: ResultStatus
    changed: int = 0
    """Tasks that changed something on the host."""
    ok: int = 0
    """Tasks that went well, changed or not."""
    failed_step: str | None = None
    failed_task: str | None = None
    message: str | None = None
    known_hosts: str | None = None
    """What to pin: what was given, or what the host showed at first contact."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the playbook told by `set_stats`: short texts, as a host's public key."""
    error: HummingbirdError | None = None
    """The failure as an error to raise: HostKeyChanged, HostUnreachable or RunFailed;
    None when successful or cancelled."""


class PlaybookRunner(Protocol):
    """Runs one playbook on one host, and returns when nothing of it runs any more."""

    def run(
        self,
        playbook: str,
        *,
        access: HostAccess,
        hostname: str,
        variables: Mapping[str, object],
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        timeout_seconds: float,
        tags: Sequence[str] = (),
        work_directory: Path | None = None,
    ) -> PlaybookResult:
        """Run `playbook` (a name such as "provision") and say how it ended.

        `variables` are plain data: nothing in them is ever evaluated. `on_event` and
        `should_cancel` are called in the caller's thread, the latter about twice a
        second; what they raise ends the run and comes out of here. `tags` choose parts
        of the playbook. `work_directory` is made for the run and removed after it; by
        default it is one of the runner's own.

        :raises BadRequest: the access data could not be an address, a user or a port.
        """
