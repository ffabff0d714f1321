# SPDX-License-Identifier: Apache-2.0
"""Our own processes: conductors, gateways and APIs, and whether they are up.

Each gives signs of life in its own row. Another one sees that a row has not changed for
long, by its own clock, and notes that; the process itself takes the note away with its next
sign. An end in order is a farewell. One that is gone for good is there, down, until somebody
deletes it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hummingbird.domain.alarm import SERVICE_FAILED, Alarm, Severity

API: Final = "api"
CONDUCTOR: Final = "conductor"
GATEWAY: Final = "gateway"
KINDS: Final = (API, CONDUCTOR, GATEWAY)


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process and its last sign of life."""

    id: int
    name: str
    kind: str
    incarnation: str
    """A uuid made at each start, so that a restart is seen even within one lease."""
    started_at: datetime
    beat_at: datetime
    farewell: bool = False
    """Whether it has ended in order."""
    version: str | None = None
    """Of which release it is; None: one before this was said."""
    down_since: datetime | None = None
    """Since when somebody has seen no sign of it; None: nobody has."""
    down_observer: str | None = None
    """Who saw it."""

    @property
    def controller(self) -> str:
        """The name of the machine that it runs on."""
        return self._parts[0]

    @property
    def service(self) -> str:
        """What it is there: hummingbird-conductor, or with its port hummingbird-api:6385."""
        port = self._parts[1]
        return f"hummingbird-{self.kind}" + (f":{port}" if port else "")

    @property
    def binary(self) -> str:
        """The name of its program."""
        return f"hummingbird-{self.kind}"

    @property
    def _parts(self) -> tuple[str, str]:
        # A controller's name may have dots: "a.b.gateway.2131".
        controller, _, port = self.name.rpartition(f".{self.kind}")
        return controller or self.name, port.removeprefix(".")


def is_down(one: Process, *, silent_seconds: float, after_seconds: float) -> bool:
    """Return whether a process counts as down.

    :param silent_seconds: for how long at least who asks has seen no sign of it.
    """
    return one.farewell or one.down_since is not None or silent_seconds > after_seconds


def service_failed(one: Process, *, is_last: bool) -> Alarm:
    """400.001: a process of ours gives no sign of life.

    :param is_last: whether no other one of its kind is up.
    """
    return Alarm(
        alarm_id=SERVICE_FAILED,
        entity_type_id="service_domain",
        entity_instance_id=(
            f"service_domain=hummingbird.service_group={one.service}"
            f".host={one.controller}"
        ),
        severity=Severity.CRITICAL if is_last else Severity.MAJOR,
        reason_text=f"Service group failure; {one.service}.",
        alarm_type="processing-error",
        probable_cause="underlying-resource-unavailable",
        proposed_repair_action="Contact next level of support.",
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=True,
    )
