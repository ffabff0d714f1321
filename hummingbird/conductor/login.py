# SPDX-License-Identifier: Apache-2.0
"""Every login to a host, whoever needs it: a run or a trace.

Whoever logs in to a host whose SSH key nobody has pinned pins what it showed, whatever
became of the login: the next one is held to that key. Of two first logins at once the first
pin stands; the other login is checked against it afterwards, and fails where it met another
key. A password goes to an unpinned host only where its credential allows that. Does not
promise that the first host to answer is the right one (doc/threat-model.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
    PlaybookRunner,
)
from hummingbird.clock import Clock
from hummingbird.db.repository import condition
from hummingbird.db.repository import host as host_repository
from hummingbird.db.session import Connection, Database
from hummingbird.domain.host import Host, pinned_keys
from hummingbird.errors import HostKeyChanged, HostKeyNotPinned

UNPINNED: Final = (
    "a password goes to a host whose SSH key is not known yet, as its"
    " credential allows (password_on_first_contact)"
)

Work = Callable[[Connection], PlaybookResult]


@dataclass(frozen=True, kw_only=True)
class Login:
    """How one host is logged in to, and where what it shows is kept."""

    host: Host
    runner: PlaybookRunner
    database: Database
    clock: Clock
    observer: str
    """Who logs in; said with the host's condition."""
    write: Callable[[Work], PlaybookResult]
    """Does its argument in a transaction that holds the host."""
    say: Callable[[str], None]
    """Is told where a password goes to a host whose key nobody knows."""

    def run(
        self,
        playbook: str,
        *,
        access: HostAccess,
        variables: Mapping[str, object],
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        timeout_seconds: float,
        tags: Sequence[str] = (),
    ) -> PlaybookResult:
        """Run a playbook on the host; `known_hosts` of what comes out is the pin.

        :raises HostKeyNotPinned: a password would go to whatever answers.
        :raises HostNotFound: the host was deleted meanwhile.
        """
        access = self._held_to(access)
        result = self.runner.run(
            playbook,
            access=access,
            hostname=self.host.hostname,
            variables=variables,
            on_event=on_event,
            should_cancel=should_cancel,
            timeout_seconds=timeout_seconds,
            tags=tags,
        )
        return self.write(lambda connection: self._keep(connection, access, result))

    def _held_to(self, access: HostAccess) -> HostAccess:
        """Return `access` with what is pinned by now."""
        if access.known_hosts is None:
            with self.database.reader() as connection:
                host = host_repository.get(connection, self.host.id)
            access = replace(access, known_hosts=host.known_hosts)
        if access.is_refused:
            raise HostKeyNotPinned(hostname=self.host.hostname)
        if access.tells_password and not access.known_hosts:
            self.say(UNPINNED)
        return access

    def _keep(
        self, connection: Connection, access: HostAccess, result: PlaybookResult
    ) -> PlaybookResult:
        """Pin what a first contact showed; note whether it was the pinned key."""
        pinned = access.known_hosts
        if pinned is None and result.known_hosts is not None:
            host = host_repository.get(connection, self.host.id)
            pinned = host.known_hosts
            if pinned is None:
                host_repository.change(
                    connection,
                    host,
                    now=self.clock.now(),
                    known_hosts=result.known_hosts,
                )
                return result
            # Somebody else pinned meanwhile, and this login was held to nothing.
            shown = set(pinned_keys(result.known_hosts))
            result = replace(result, known_hosts=pinned)
            if not shown & set(pinned_keys(pinned)):
                result = self._refused(result)
        is_changed = isinstance(result.error, HostKeyChanged)
        # Without an answer it is not known whether we were let in.
        if is_changed or result.ok or result.status == "successful":
            condition.put_host_key(
                connection,
                self.host.id,
                pinned=pinned,
                is_known=not is_changed,
                observer=self.observer,
                now=self.clock.now(),
            )
        return result

    def _refused(self, result: PlaybookResult) -> PlaybookResult:
        error = HostKeyChanged(hostname=self.host.hostname)
        if result.status == "cancelled":
            return replace(result, message=str(error), error=error)
        return replace(result, status="failed", message=str(error), error=error)
