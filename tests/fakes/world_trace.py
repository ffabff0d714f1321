# SPDX-License-Identifier: Apache-2.0
"""Traces of the way to the world's boxes: what is seen is the box's, the finding is the
product's."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from hummingbird.db.repository import heartbeat as heartbeats
from hummingbird.db.repository import host as hosts
from hummingbird.db.repository import trace as traces
from hummingbird.domain.emn import Attachment
from hummingbird.domain.trace import Seen, Ssh, trace
from hummingbird.reconcilers.base import Outcome

if TYPE_CHECKING:
    from tests.fakes.world import World


class WorldTracer:
    """Answers what was asked for, at once."""

    name = "trace"
    period_seconds = 5.0

    def __init__(self, world: "World") -> None:
        self._world = world

    def reconcile(self) -> Outcome:
        """Trace the way to each host that somebody asked about."""
        world = self._world
        said = []
        with world.database.writer() as connection:
            for asked in traces.pending(connection):
                host = hosts.get(connection, asked.host_id)
                box = world.boxes[host.hostname]
                answers = box.answers()
                heard = heartbeats.of_host(connection, host.id)
                found = trace(
                    Seen(
                        hostname=host.hostname,
                        emn=None,
                        attachment=Attachment.ROUTED,
                        address=host.mgmt_ip,
                        link="mgmt0",
                        link_up=True,
                        answers=answers,
                        ssh=Ssh.ANSWERS if answers else Ssh.SILENT,
                        login="" if answers else None,
                        heard_seconds=(
                            None
                            if heard is None
                            else (
                                world.clock.now() - heard.last_heard_at
                            ).total_seconds()
                        ),
                        is_asking=box.udp_is_blocked,
                        is_in_service=True,
                    )
                )
                body = {
                    "finding": found.finding.value,
                    "sentence": found.sentence,
                    "repair": found.repair,
                    "steps": [asdict(step) for step in found.steps],
                }
                traces.finish(connection, asked, body, now=world.clock.now())
                said.append(f"{host.hostname}: {found.finding}")
        return Outcome(looked_at=len(said), changed=tuple(said))
