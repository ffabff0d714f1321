# SPDX-License-Identifier: Apache-2.0
"""Every alarm that may be set here, ours and those that others post: what it is, and from
which severity on it stands in the way of management or degrades its host.

Taken from StarlingX fault fm-doc/fm_doc/events.yaml (Description,
Management_Affecting_Severity, Degrade_Affecting_Severity, Inhibit_Alarms), the records of
hosts, their networks, their storage and what runs on them. A real FM stores no alarm whose
id is not in its events.yaml, and neither do we; logs have no such limit.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hummingbird.domain.alarm import Severity, StoredAlarm


@dataclass(frozen=True, kw_only=True)
class AlarmKind:
    """One alarm id."""

    alarm_id: str
    description: str
    mgmt: Severity | None
    """The mildest severity that stands in the way of management; None: none does."""
    degrade: Severity | None
    """The mildest severity that degrades the host; None: none does."""
    inhibits: bool
    """While it stands, others of the same entity that may be masked are not listed."""

    def is_mgmt_affecting(self, severity: Severity) -> bool:
        """Whether an alarm of this kind, so bad, stands in the way of management."""
        return _reaches(severity, self.mgmt)

    def is_degrade_affecting(self, severity: Severity) -> bool:
        """Whether an alarm of this kind, so bad, degrades its host."""
        return _reaches(severity, self.degrade)


_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


def _reaches(severity: Severity, least: Severity | None) -> bool:
    return least is not None and _RANK[severity] <= _RANK[least]


def _kind(
    alarm_id: str,
    mgmt: Severity | None,
    degrade: Severity | None,
    description: str,
    *,
    inhibits: bool = False,
) -> AlarmKind:
    return AlarmKind(
        alarm_id=alarm_id,
        description=description,
        mgmt=mgmt,
        degrade=degrade,
        inhibits=inhibits,
    )


_C, _M, _N, _W = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.WARNING

# fmt: off
_KINDS = (
    #      id         from here on in the way of management, degrading its host
    _kind("100.101", _M, _C,
          "Platform CPU threshold exceeded; threshold x%, actual y% . CRITICAL @ 95% MAJOR @ "
          "90%"),
    _kind("100.103", None, _C,
          "Memory threshold exceeded; threshold x%, actual y% . CRITICAL @ 90% MAJOR @ 80%"),
    _kind("100.104", _C, _C,
          "host=<hostname>.filesystem=<mount-dir> File System threshold exceeded; threshold x%, "
          "actual y% . CRITICAL @ 90% MAJOR @ 80%"),
    _kind("100.106", _W, _M,
          "'OAM' Port failed."),
    _kind("100.107", _W, _M,
          "'OAM' Interface degraded. OR 'OAM' Interface failed."),
    _kind("100.108", _W, _M,
          "'MGMT' Port failed."),
    _kind("100.109", _W, _M,
          "'MGMT' Interface degraded. OR 'MGMT' Interface failed."),
    _kind("100.110", _W, _M,
          "'CLUSTER-HOST' Port failed."),
    _kind("100.111", _W, _M,
          "'CLUSTER-HOST' Interface degraded. OR 'CLUSTER-HOST' Interface failed."),
    _kind("100.114", None, None,
          "major: NTP configuration does not contain any valid or reachable NTP servers. minor: "
          "NTP address <IP address> is not a valid or a reachable NTP server."),
    _kind("100.118", None, None,
          "Controller cannot establish connection with remote logging server."),
    _kind("100.120", None, None,
          "Controllers running mismatched kernels."),
    _kind("100.121", _M, None,
          "Host not running the provisioned kernel."),
    _kind("100.150", _C, _C,
          "critical: service open file descriptor has reached its limit major: service open "
          "file descriptor is approaching to its limit"),
    _kind("200.001", _W, None,
          "<hostname> was administratively locked to take it out-of-service.", inhibits=True),
    _kind("200.003", _W, None,
          "<hostname> pxeboot network communication failure."),
    _kind("200.004", _W, None,
          "<hostname> experienced a service-affecting failure. Host is being auto recovered by "
          "Reboot."),
    _kind("200.005", _W, None,
          "Degrade: <hostname> is experiencing an intermittent 'Management Network' "
          "communication failure that have exceeded its lower alarming threshold. Failure: "
          "<hostname> is experiencing a persistent critical 'Management Network' communication "
          "failure."),
    _kind("200.006", _W, _M,
          "major: pmond not running; crit/major/minor: '<process>' has failed / is degraded / "
          "failed, with auto-recovery text"),
    _kind("200.007", None, _C,
          "critical: Host is degraded due to a 'critical' out-of-tolerance reading from the "
          "'<sensorname>' sensor major: Host is degraded due to a 'major' out-of-tolerance "
          "reading from the '<sensorname>' sensor minor: Host is reporting a 'minor'"),
    _kind("200.009", _W, None,
          "Degrade: <hostname> is experiencing an intermittent 'Cluster-host Network' "
          "communication failures that have exceeded its lower alarming threshold. Failure: "
          "<hostname> is experiencing a persistent critical 'Cluster-host Network' "
          "communication failure."),
    _kind("200.010", None, None,
          "<hostname> access to board management module has failed."),
    _kind("200.011", _W, None,
          "<hostname> experienced a configuration failure during initialization. Host is being "
          "re-configured by Reboot."),
    _kind("200.013", _W, _M,
          "<hostname> compute service of the only available controller is not proportional. "
          "Auto-recovery is disabled. Degrading host instead."),
    _kind("200.014", None, None,
          "The Hardware Monitor was unable to load, configure and monitor one or more hardware "
          "sensors."),
    _kind("200.015", None, None,
          "Unable to read one or more sensor groups from this host's board management "
          "controller"),
    _kind("200.016", _M, None,
          "Issue in creation or unsealing of LUKS volume"),
    _kind("250.001", _W, None,
          "<hostname> Configuration is out-of-date."),
    _kind("250.003", _W, None,
          "Kubernetes certificates rotation failed on host[, reason = <reason_text>]"),
    _kind("280.001", None, None,
          "<subcloud> is offline"),
    _kind("280.004", None, None,
          "Critical: Peer <peer_uuid> is in disconnected state. The following subcloud peer "
          "groups are impacted: <peer-groups>. Major: Peer <peer_uuid> connections in "
          "disconnected state."),
    _kind("300.001", _W, None,
          "'Data' Port failed."),
    _kind("300.002", _W, _C,
          "'Data' Interface degraded. OR 'Data' Interface failed."),
    _kind("400.001", _W, _M,
          "Service group failure; <list of affected services>. OR Service group degraded; <list "
          "of affected services>. OR Service group warning; <list of affected services>."),
    _kind("750.002", None, None,
          "Application Apply Failure"),
    _kind("800.001", _W, None,
          "Possible data loss. Any mds, mon or osd is unavailable in storage replication group."),
    _kind("800.010", _W, None,
          "Potential data loss. No available OSDs in storage replication group."),
    _kind("800.011", _W, None,
          "Loss of replication in peergroup."),
    _kind("800.104", _M, None,
          "Storage Alarm Condition: <storage-backend-name> configuration failed to apply on "
          "host: <host-uuid>."),
    _kind("800.105", _M, None,
          "Filesystem Alarm Condition: <controllerfs_name> controller filesystem was not "
          "created/deleted successfully."),
    _kind("850.001", None, None,
          "Persistent Volume Migration Error"),
    _kind("850.002", _M, None,
          "Kubernetes cluster unreachable"),
    _kind("900.701", _W, _M,
          "Node <hostname> tainted."),
)
# fmt: on

CATALOGUE: Final[Mapping[str, AlarmKind]] = MappingProxyType(
    {kind.alarm_id: kind for kind in _KINDS}
)
"""Alarm id -> what it is."""


INHIBITING: Final = frozenset(
    alarm_id for alarm_id, kind in CATALOGUE.items() if kind.inhibits
)
"""Ids of the alarms that stand for others of the same entity, or inside it."""


def unmasked(
    stands: Iterable[StoredAlarm], *, masks: Mapping[str, int]
) -> list[StoredAlarm]:
    """Return the alarms that a list shows: without those that an inhibiting alarm of the
    same entity, or of one that contains it, stands for.

    FM compares entities as bare prefixes, so that host=edge-1 masks host=edge-10 too
    (StarlingX fault fm-common/sources/fmDbAlarm.cpp); here an entity ends at its name.

    :param masks: entity -> id of its inhibiting alarm, at least for what `containing`
        says of the entities of `stands`.
    """
    return [
        one
        for one in stands
        if not one.alarm.suppression
        or all(
            masks.get(entity, one.id) == one.id
            for entity in containing(one.alarm.entity_instance_id)
        )
    ]


def containing(entity: str) -> Iterator[str]:
    """Yield `entity` and each entity that it is in: host=a.network=b, host=a."""
    yield entity
    while "." in entity:
        entity = entity.rpartition(".")[0]
        yield entity
