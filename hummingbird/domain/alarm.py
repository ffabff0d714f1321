# SPDX-License-Identifier: Apache-2.0
"""The alarm catalogue: ids, texts, causes and repair actions that StarlingX's operators
know (StarlingX fault fm-doc/events.yaml and, for texts as raised, metal
mtce/src/alarm/alarmData.cpp). Only upstream's ids: a real FM stores no others."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad; values as FM has them."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"


REASON_MAX: Final = 255
"""FM's limit of a text (fm-rest-api, db/sqlalchemy/models.py)."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm that stands, or should. Its key is (alarm_id, entity_instance_id)."""

    alarm_id: str
    entity_type_id: str
    entity_instance_id: str
    severity: Severity
    reason_text: str
    alarm_type: str
    probable_cause: str
    proposed_repair_action: str
    service_affecting: bool
    suppression: bool
    mgmt_affecting: bool
    degrade_affecting: bool


@dataclass(frozen=True, kw_only=True)
class StoredAlarm:
    """An alarm with its place in the store."""

    id: int
    uuid: str
    raised_at: datetime
    updated_at: datetime | None
    alarm: Alarm
    posted: bool = False
    """Whether a client of the API set it, who clears it too; ours are judged by rule."""


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One line of the event log: an alarm set or cleared, or a log."""

    event_log_id: str
    state: str
    """"set", "clear" or "log"."""
    entity_type_id: str
    entity_instance_id: str
    severity: Severity
    reason_text: str
    event_log_type: str
    probable_cause: str
    proposed_repair_action: str
    service_affecting: bool
    suppression: bool


HEARTBEAT_REPAIR: Final = (
    "Check 'Management Network' connectivity and support for multicast messaging. If "
    "problem consistently occurs after that and Host is reset, then contact next level "
    "of support or lock and replace failing host."
)
HOST_ENTITY: Final = "system.host"
HOST_LOCKED: Final = "200.001"
LINK_DOWN: Final = "100.109"
SERVICE_FAILED: Final = "400.001"
SITE_DARK: Final = "200.005"
BOARD_AWAY: Final = "200.010"
_SITE: Final = "site="
_MANAGEMENT: Final = ".network=Management"
_KUBELET: Final = ".process=kubelet"
_HOST_KEY: Final = ".ssh=hostkey"


def host_entity(hostname: str) -> str:
    """Return the instance that alarms of a host name."""
    return f"host={hostname}"


def host_of(entity_instance_id: str) -> str | None:
    """Return the name of the host that an alarm of ours is about, or None if it is about
    something else."""
    if not entity_instance_id.startswith(host_entity("")):
        return None
    name = entity_instance_id.removeprefix(host_entity(""))
    for part in (_MANAGEMENT, _KUBELET, _HOST_KEY):
        name = name.removesuffix(part)
    return name


def site_entity(site: str) -> str:
    """Return the instance that the alarm of a dark site names."""
    return f"{_SITE}{site}{_MANAGEMENT}"


def site_of(entity_instance_id: str) -> str | None:
    """Return the site that an alarm of ours is about, or None if it is about something
    else."""
    if not entity_instance_id.startswith(_SITE):
        return None
    return entity_instance_id.removeprefix(_SITE).removesuffix(_MANAGEMENT)


def keys_of_host(hostname: str) -> set[tuple[str, str]]:
    """Return (alarm_id, entity_instance_id) of each alarm of ours that a host may have."""
    every = (
        host_locked(hostname),
        heartbeat_lost(hostname, critical=True),
        not_ready(hostname),
        board_away(hostname),
        host_key_changed(hostname),
        recovery_given_up(hostname),
    )
    return {(one.alarm_id, one.entity_instance_id) for one in every}


def host_locked(hostname: str) -> Alarm:
    """200.001: the host is locked."""
    return Alarm(
        alarm_id=HOST_LOCKED,
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname),
        severity=Severity.WARNING,
        reason_text=(
            f"{hostname} was administratively locked to take it out-of-service."
        ),
        alarm_type="operational-violation",
        probable_cause="out-of-service",
        proposed_repair_action=(
            "Administratively unlock Host to bring it back in-service."
        ),
        service_affecting=True,
        suppression=False,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


AUTO_RECOVERY: Final = "Auto recovery of this major process is in progress."
MANUAL_RECOVERY: Final = "Manual recovery is required."
"""How a text of 200.006 ends."""


def not_ready(hostname: str, *, repair: str = AUTO_RECOVERY) -> Alarm:
    """200.006: the host is heard, and Kubernetes says that its node is not Ready.

    :param repair: AUTO_RECOVERY, or MANUAL_RECOVERY where nothing more is tried.
    """
    return Alarm(
        alarm_id="200.006",
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname) + _KUBELET,
        severity=Severity.MAJOR,
        reason_text=(
            f"{hostname} is degraded due to the failure of its 'kubelet' process. "
            f"{repair}"
        ),
        alarm_type="operational-violation",
        probable_cause="unknown",
        proposed_repair_action=(
            "If this alarm does not automatically clear after some time and continues to "
            "be asserted after Host is locked and unlocked then contact next level of "
            "support for root cause analysis and recovery."
        ),
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=True,
    )


def kubernetes_unreachable() -> Alarm:
    """850.002: what Kubernetes says of nodes means nothing; one alarm for all of them."""
    return Alarm(
        alarm_id="850.002",
        entity_type_id="kubernetes",
        entity_instance_id="kubernetes=k8s-health-check-failed",
        severity=Severity.MAJOR,
        reason_text="Kubernetes cluster unreachable",
        alarm_type="communication",
        probable_cause="out-of-service",
        proposed_repair_action="If problem persists contact next level of support.",
        service_affecting=True,
        suppression=False,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


def board_away(hostname: str) -> Alarm:
    """200.010: the host's board management controller does not let us in."""
    return Alarm(
        alarm_id=BOARD_AWAY,
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname),
        severity=Severity.WARNING,
        reason_text=f"{hostname} access to board management module has failed.",
        alarm_type="operational-violation",
        probable_cause="communication-subsystem-failure",
        proposed_repair_action=(
            "Check Host's board management configuration and connectivity."
        ),
        service_affecting=False,
        suppression=False,
        mgmt_affecting=False,
        degrade_affecting=False,
    )


def host_key_changed(hostname: str) -> Alarm:
    """200.011: the host shows another SSH host key than is pinned.

    events.yaml has no alarm of SSH. This one is its nearest: a host that can't be
    configured; it stands in the way of an update of the whole, and degrades nothing.
    """
    return Alarm(
        alarm_id="200.011",
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname) + _HOST_KEY,
        severity=Severity.CRITICAL,
        reason_text=(
            f"{hostname} experienced a configuration failure: it shows another SSH host"
            " key than is known of it, and is not logged in to."
        ),
        alarm_type="operational-violation",
        probable_cause="configuration-or-customization-error",
        proposed_repair_action=(
            "If it was installed anew, say so: hummingbird host-update HOST"
            " --forget-host-key (or --host-key with its new key); if not, somebody stands"
            " in between."
        ),
        service_affecting=False,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


def heartbeat_lost(hostname: str, *, critical: bool) -> Alarm:
    """200.005: heartbeats are late (major) or gone (critical)."""
    if critical:
        reason = (
            f"{hostname} experienced a persistent critical 'Management Network' "
            "communication failure."
        )
    else:
        reason = (
            f"{hostname} is experiencing intermittent 'Management Network' "
            "communication failures that have exceeded its lower alarming threshold."
        )
    return Alarm(
        alarm_id="200.005",
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname) + _MANAGEMENT,
        severity=Severity.CRITICAL if critical else Severity.MAJOR,
        reason_text=reason,
        alarm_type="communication",
        probable_cause="loss-of-signal",
        proposed_repair_action=HEARTBEAT_REPAIR,
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


def site_dark(site: str, *, silent: int, watched: int) -> Alarm:
    """200.005 for a whole site: one alarm in place of one for each of its hosts."""
    return Alarm(
        alarm_id=SITE_DARK,
        entity_type_id="system.site",
        entity_instance_id=site_entity(site),
        severity=Severity.CRITICAL,
        reason_text=(
            f"Site {site}: {silent} of {watched} hosts experienced a persistent critical "
            "'Management Network' communication failure together."
        ),
        alarm_type="communication",
        probable_cause="loss-of-signal",
        proposed_repair_action=(
            f"Check the uplink and the gateway of site {site}; its hosts fell silent "
            "together and are not recovered one by one."
        ),
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


def controller_link_down(controller: str, *, interface: str) -> Alarm:
    """100.109: our own management interface is down; no host is judged behind it."""
    return Alarm(
        alarm_id=LINK_DOWN,
        entity_type_id="system.host",
        entity_instance_id=f"host={controller}.interface={interface}",
        severity=Severity.CRITICAL,
        reason_text="'MGMT' Interface failed.",
        alarm_type="operational-violation",
        probable_cause="unknown",
        proposed_repair_action=(
            "Check cabling and far-end port configuration and status on adjacent "
            "equipment."
        ),
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=True,
    )


def recovery_given_up(hostname: str, *, why: str = "") -> Alarm:
    """200.004: the ladder has no rung left; `why` says what was tried."""
    return Alarm(
        alarm_id="200.004",
        entity_type_id=HOST_ENTITY,
        entity_instance_id=host_entity(hostname),
        severity=Severity.CRITICAL,
        reason_text=(
            f"{hostname} experienced a service-affecting failure. Auto-recovery in "
            "progress. Manual Lock and Unlock may be required if auto-recovery is "
            "unsuccessful." + (f" {why}" if why else "")
        )[:REASON_MAX],
        alarm_type="operational-violation",
        probable_cause="application-subsystem-failure",
        proposed_repair_action=(
            "If auto-recovery is consistently unable to recover host to the "
            "unlocked-enabled state contact next level of support or lock and replace "
            "failing host."
        ),
        service_affecting=True,
        suppression=True,
        mgmt_affecting=True,
        degrade_affecting=False,
    )


def as_event(alarm: Alarm, *, state: str) -> LogEvent:
    """Return the line that `alarm` leaves in the event log when it is set or cleared."""
    return LogEvent(
        event_log_id=alarm.alarm_id,
        state=state,
        entity_type_id=alarm.entity_type_id,
        entity_instance_id=alarm.entity_instance_id,
        severity=alarm.severity,
        reason_text=alarm.reason_text,
        event_log_type=alarm.alarm_type,
        probable_cause=alarm.probable_cause,
        proposed_repair_action=alarm.proposed_repair_action,
        service_affecting=alarm.service_affecting,
        suppression=alarm.suppression,
    )


def host_log(event_log_id: str, hostname: str, *, instance: str, text: str) -> LogEvent:
    """Return a log of the 200.02x family, e.g. 200.020 `event=add`, 200.021
    `command=unlock`, 200.022 `status=offline`; `text` is the sentence after the name."""
    return LogEvent(
        event_log_id=event_log_id,
        state="log",
        entity_type_id=HOST_ENTITY,
        entity_instance_id=f"host={hostname}.{instance}",
        severity=Severity.WARNING,
        reason_text=f"{hostname} {text}",
        event_log_type="other",
        probable_cause="unspecified-reason",
        proposed_repair_action="",
        service_affecting=event_log_id != "200.021",
        suppression=False,
    )
