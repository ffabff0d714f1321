# SPDX-License-Identifier: Apache-2.0
"""/v1/tunnels: the hosts' tunnels; how one is begun, changed its key, and cut off."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.schema.tunnel import NewClaim, parse_claim
from hummingbird.api.view.run import run_view
from hummingbird.api.view.tunnel import tunnel_view
from hummingbird.conf.share import shared
from hummingbird.conf.tunnel import hub_options
from hummingbird.db.repository import (
    credential,
    emn,
    event_log,
    heartbeat,
    host,
    run,
    tunnel,
)
from hummingbird.db.session import Connection
from hummingbird.domain.alarm import host_log
from hummingbird.domain.bootstrap import Templates, script
from hummingbird.domain.emn import TUNNELLED
from hummingbird.domain.heartbeat import Heartbeat
from hummingbird.domain.host import Host
from hummingbird.domain.run import RunKind, RunState
from hummingbird.domain.tunnel import Tunnel, check_endpoint, host_settings
from hummingbird.errors import (
    AddressMissing,
    NotTunnelled,
    TunnelMissing,
    TunnelNotNeeded,
)
from hummingbird.keypair import ssh_public_key

_UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


def list_all(call: Call) -> Any:
    """GET /v1/tunnels"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        tunnels = tunnel.list_all(connection)
        ids = [one.host_id for one in tunnels]
        hosts = {one.id: one for one in host.among(connection, ids)}
        beats = heartbeat.of_hosts(connection, ids)
        hub_key = tunnel.hub_public_key(connection)
    return {
        "tunnels": [
            _view(
                call,
                one,
                hosts[one.host_id],
                hub_key=hub_key,
                beat=beats.get(one.host_id),
            )
            for one in tunnels
        ]
    }


def get(call: Call) -> Any:
    """GET /v1/tunnels/{host}"""
    call.arguments()
    with call.dependencies.database.snapshot() as connection:
        found = host.find(connection, call.name)
        beat = heartbeat.of_host(connection, found.id)
        hub_key = tunnel.hub_public_key(connection)
        return _view(call, _of(connection, found), found, hub_key=hub_key, beat=beat)


def claim(call: Call) -> Any:
    """POST /v1/tunnels/{host}/claim: the script that brings the host here

    The client makes a key pair, sends the public half as claim_key, and puts the private
    half into the script, where @CLAIM_KEY@ stands.
    """
    dependencies = call.dependencies
    wanted = parse_claim(call.json_object(), hours=dependencies.conf.tunnel.claim_hours)
    options = hub_options(dependencies.conf)
    with dependencies.database.writer() as connection:
        found = host.find(connection, call.name)
        _require_tunnelled(connection, found)
        check_endpoint(options.endpoints)
        now = dependencies.clock.now()
        begun = tunnel.create(
            connection, host_id=found.id, overlay=options.overlay, now=now
        )
        tunnel.check_free(connection, begun, wanted.claim_key)
        begun = tunnel.change(
            connection,
            begun,
            claim_key=wanted.claim_key,
            claim_until=now + timedelta(hours=wanted.hours),
            keepalive_seconds=options.keepalive_seconds,
        )
        event_log.append(
            connection,
            host_log(
                "200.021",
                found.hostname,
                instance="command=bootstrap",
                text="manual 'bootstrap' request",
            ),
            now=now,
        )
        text = _script(call, connection, found, begun, wanted)
        beat = heartbeat.of_host(connection, found.id)
        hub_key = tunnel.hub_public_key(connection)
        view = _view(call, begun, found, hub_key=hub_key, beat=beat)
    call.dependencies.hurry("tunnel")
    call.status = 201
    return {"tunnel": view, "script": text}


def rotate(call: Call) -> Any:
    """POST /v1/tunnels/{host}/rotate: queue a change of its key, unless one is queued"""
    with call.dependencies.database.writer() as connection:
        found = host.find(connection, call.name)
        current = _of(connection, found)
        if not (current.public_key or current.claim_key):
            raise TunnelMissing(hostname=found.hostname)
        unfinished = run.list_all(
            connection, host_uuid=found.uuid, kind=RunKind.ROTATE, states=_UNFINISHED
        )
        queued = unfinished[0] if unfinished else None
        if queued is None:
            queued = run.create(
                connection,
                host_uuid=found.uuid,
                hostname=found.hostname,
                kind=RunKind.ROTATE,
                requested_by=call.context.user,
                now=call.dependencies.clock.now(),
            )
    call.dependencies.hurry()
    call.status = 202
    return run_view(queued)


def revoke(call: Call) -> None:
    """DELETE /v1/tunnels/{host}: its keys and its claim are good no more; its address
    stays"""
    with call.dependencies.database.writer() as connection:
        found = host.find(connection, call.name)
        tunnel.change(
            connection,
            _of(connection, found),
            public_key=None,
            next_key=None,
            claim_key=None,
            claim_until=None,
            handshake_at=None,
            endpoint=None,
        )
        event_log.append(
            connection,
            host_log(
                "200.021",
                found.hostname,
                instance="command=revoke",
                text="manual 'revoke' of its tunnel's keys",
            ),
            now=call.dependencies.clock.now(),
        )
    call.dependencies.hurry("tunnel")


def _of(connection: Connection, found: Host) -> Tunnel:
    known = tunnel.of_host(connection, found.id)
    if known is None:
        network = emn.of_host(connection, found.emn_id)
        if network is not None and network.attachment not in TUNNELLED:
            raise TunnelNotNeeded(
                hostname=found.hostname,
                emn=network.name,
                attachment=network.attachment.value,
            )
        raise TunnelMissing(hostname=found.hostname)
    return known


def _view(
    call: Call,
    one: Tunnel,
    found: Host,
    *,
    hub_key: str | None,
    beat: Heartbeat | None,
) -> dict[str, Any]:
    return tunnel_view(
        one,
        found,
        now=call.dependencies.clock.now(),
        hub_key=hub_key,
        options=hub_options(call.dependencies.conf),
        beat=beat,
    )


def _require_tunnelled(connection: Connection, found: Host) -> None:
    network = emn.of_host(connection, found.emn_id)
    if network is None:
        raise AddressMissing(hostname=found.hostname)
    if network.attachment not in TUNNELLED:
        raise NotTunnelled(
            hostname=found.hostname,
            emn=network.name,
            attachment=network.attachment.value,
        )


def _script(
    call: Call,
    connection: Connection,
    found: Host,
    begun: Tunnel,
    wanted: NewClaim,
) -> str:
    dependencies = call.dependencies
    options = hub_options(dependencies.conf)
    network = emn.of_host(connection, found.emn_id)
    way = credential.of_host(connection, found, box=dependencies.box)
    key = ssh_public_key(way.private_key) if way.private_key else None
    folder = Path(dependencies.conf.provisioning.playbooks or shared("playbooks"))
    files = folder / "roles/tunnel/files"
    assert begun.claim_until is not None
    return script(
        Templates(
            script=(files / "bootstrap.sh").read_text(),
            program=(files / "tunnel.sh").read_text(),
            unit=(files / "hummingbird-tunnel.service").read_text(),
        ),
        hostname=found.hostname,
        settings=host_settings(
            begun,
            hub_key=tunnel.ensure_hub(
                connection, box=dependencies.box, now=begun.created_at
            ),
            options=options,
            emn=network,
            outside=found.outside,
        ),
        endpoint=check_endpoint(options.endpoints, address=found.outside),
        user=way.user,
        ssh_key=key if wanted.authorize else None,
        until=begun.claim_until,
    )
