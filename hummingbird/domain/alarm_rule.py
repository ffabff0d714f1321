# SPDX-License-Identifier: Apache-2.0
"""Which alarms should stand: a pure function of what is seen."""

from collections.abc import Collection, Iterable, Mapping, Set
from types import MappingProxyType
from typing import Final

from hummingbird.domain import alarm
from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.liveness import Liveness
from hummingbird.domain.observation import LinkSeen
from hummingbird.domain.process import Process, service_failed
from hummingbird.domain.verdict import Judgement, Verdict

_REPAIR: Final = {False: alarm.AUTO_RECOVERY, True: alarm.MANUAL_RECOVERY}


def standing(
    hosts: Iterable[Host],
    *,
    judgement: Judgement,
    links: Iterable[LinkSeen] = (),
    given_up: Mapping[str, str] = MappingProxyType({}),
    boards_away: Set[int] = frozenset(),
    not_ready: Set[int] = frozenset(),
    keys_changed: Set[int] = frozenset(),
    kubernetes_is_away: bool = False,
    is_not_ready_common: bool = False,
    left_not_ready: Set[int] = frozenset(),
    processes: Collection[Process] = (),
) -> dict[tuple[str, str], alarm.Alarm]:
    """Return the alarms that should stand, by (alarm_id, entity_instance_id).

    A host whose liveness can't be told keeps what its state says, so that an alarm
    neither comes nor goes while our own ears are closed.

    :param links: of all controllers; the alarm of each hangs on what its own controller
        sees.
    :param given_up: hosts that recovery has nothing left for: host name -> what was tried,
        or why nothing was.
    :param not_ready: ids of hosts whose nodes are not Ready, as far as Kubernetes says.
    :param keys_changed: ids of hosts that showed another SSH host key than is pinned.
    :param kubernetes_is_away: whether what Kubernetes says of nodes means nothing, for so
        long that somebody should know.
    :param is_not_ready_common: whether so many nodes are not Ready that it is one fault of
        Kubernetes, which has one alarm.
    :param processes: all of ours; one that is noted to be silent has an alarm.
    :param left_not_ready: ids of those on which nothing is left to be tried.
    :param boards_away: ids of hosts whose board management controller lets nobody in.
    """
    verdicts = {verdict.hostname: verdict for verdict in judgement.hosts}
    should = _of_no_host(
        judgement,
        links=links,
        kubernetes_is_ill=kubernetes_is_away or is_not_ready_common,
        processes=processes,
    )
    for host in hosts:
        verdict = verdicts.get(host.hostname)
        is_dark = verdict is not None and verdict.site_dark
        if host.id in keys_changed:
            # In whatever state: it is seen where somebody logs in, heard or not.
            should.append(alarm.host_key_changed(host.hostname))
        if host.id in boards_away and not is_dark:
            should.append(alarm.board_away(host.hostname))
        if _is_out_of_service(host):
            should.append(alarm.host_locked(host.hostname))
            continue
        if verdict is None or is_dark:
            continue
        lost = host.state in (HostState.LOST, HostState.RECOVERING)
        in_service = host.state in (HostState.ENABLED, HostState.DEGRADED)
        told = verdict.liveness is not Liveness.LOST and not is_not_ready_common
        if host.id in not_ready and in_service and told:
            repair = _REPAIR[host.id in left_not_ready]
            should.append(alarm.not_ready(host.hostname, repair=repair))
        should += _of_silence(host, verdict, is_ready=host.id not in not_ready)
        if host.hostname in given_up and lost:
            should.append(
                alarm.recovery_given_up(host.hostname, why=given_up[host.hostname])
            )
    return {(item.alarm_id, item.entity_instance_id): item for item in should}


def _of_silence(host: Host, verdict: Verdict, *, is_ready: bool) -> list[alarm.Alarm]:
    unknown = verdict.liveness is Liveness.UNKNOWN
    lost = host.state in (HostState.LOST, HostState.RECOVERING)
    if verdict.liveness is Liveness.LOST or (unknown and lost):
        return [alarm.heartbeat_lost(host.hostname, critical=True)]
    if verdict.liveness is Liveness.LATE or (
        unknown and host.state is HostState.DEGRADED and is_ready
    ):
        return [alarm.heartbeat_lost(host.hostname, critical=False)]
    return []


def _of_no_host(
    judgement: Judgement,
    *,
    links: Iterable[LinkSeen],
    kubernetes_is_ill: bool,
    processes: Collection[Process],
) -> list[alarm.Alarm]:
    """Return the alarms of what all hosts, or many, hang on."""
    up = {one.kind for one in processes if one.down_since is None and not one.farewell}
    return [
        *(
            alarm.controller_link_down(link.controller, interface=link.name)
            for link in links
            if not link.is_up
        ),
        *((alarm.kubernetes_unreachable(),) if kubernetes_is_ill else ()),
        *(
            service_failed(one, is_last=one.kind not in up)
            for one in processes
            if one.down_since is not None
        ),
        *(
            alarm.site_dark(site, silent=silent, watched=watched)
            for site, (silent, watched) in judgement.dark_sites.items()
        ),
    ]


def _is_out_of_service(host: Host) -> bool:
    """Return whether somebody has locked a host that could serve."""
    if host.state is HostState.PROVISIONING:
        # Provisioned anew, and to stay locked after that.
        return host.touched and host.action == "reinstall"
    return host.state is HostState.LOCKED and host.provisioned_plan is not None
