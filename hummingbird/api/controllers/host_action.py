# SPDX-License-Identifier: Apache-2.0
"""What a lock, an unlock, a reboot, a delete of a host does: all of it in one
transaction. The conductor is told afterwards, and needs not be: the queued run is there.
"""

from hummingbird.api.http.call import Call
from hummingbird.api.http.precondition import check_match
from hummingbird.db.repository import credential, emn, event_log, host, run
from hummingbird.db.session import Connection
from hummingbird.domain import vxlan
from hummingbird.domain.alarm import host_log
from hummingbird.domain.emn import Attachment
from hummingbird.domain.host import Host
from hummingbird.domain.maintenance import Decision, canonical, decide, decide_delete
from hummingbird.domain.run import Run, RunState

_UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


def apply_action(
    call: Call, connection: Connection, found: Host, action: str
) -> tuple[Host, bool]:
    """Do what `action` means; return the host as it is now, and whether the conductor
    has something to do.

    :raises HummingbirdError: the action is refused, in the words of its class.
    """
    decision = decide(found, action, unfinished=_unfinished(connection, found))
    if decision.needs_way_in:
        # Refused now rather than by a run later, when nobody looks.
        credential.of_host(connection, found, box=call.dependencies.box)
        network = emn.of_host(connection, found.emn_id)
        if network is not None:
            vxlan.check_ready(
                found,
                network,
                has_tunnel=network.attachment is Attachment.WIREGUARD_VXLAN,
            )
    return _carry_out(call, connection, found, decision, command=canonical(action))


def delete(call: Call) -> None:
    """Delete the host that the path names: at once if nothing was ever put on it, else
    by a run that retires it.

    :raises DeleteOfUnlocked, HostBusy, HostNotFound: it may not be deleted.
    """
    with call.dependencies.database.writer() as connection:
        found = host.find_held(connection, call.name)
        check_match(call, found, name=f"Host {found.hostname}")
        decision = decide_delete(found, unfinished=_unfinished(connection, found))
        _carry_out(call, connection, found, decision, command="delete")
        if decision.removed:
            host.remove(connection, found.id)
    if not decision.removed:
        call.dependencies.hurry()


def _unfinished(connection: Connection, found: Host) -> list[Run]:
    return run.list_all(connection, host_uuid=found.uuid, states=_UNFINISHED)


def _carry_out(
    call: Call,
    connection: Connection,
    found: Host,
    decision: Decision,
    *,
    command: str,
) -> tuple[Host, bool]:
    now = call.dependencies.clock.now()
    if decision.cancel:
        run.request_cancel(connection, host_uuid=found.uuid)
    if decision.event is not None:
        found = host.move(connection, found, decision.event, now=now, **decision.values)
    elif decision.values:
        found = host.change(connection, found, now=now, **decision.values)
    if decision.run is not None:
        run.create(
            connection,
            host_uuid=found.uuid,
            hostname=found.hostname,
            kind=decision.run,
            requested_by=call.context.user,
            now=now,
        )
    event_log.append(
        connection,
        host_log(
            "200.021",
            found.hostname,
            instance=f"command={command}",
            text=f"manual '{command}' request",
        ),
        now=now,
    )
    return found, decision.run is not None or decision.cancel
