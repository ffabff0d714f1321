# SPDX-License-Identifier: Apache-2.0
"""A host: what is wanted of it, what is known of it, and how StarlingX sees it."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from hummingbird.domain.host_state import UNLOCKED, HostState
from hummingbird.errors import AddressInvalid, HostnameInvalid, MacInvalid

PERSONALITY: Final = "edgeworker"

_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_MACS = tuple(
    re.compile(form)
    for form in (
        r"[0-9a-f]{2}([-:])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}",
        r"[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}",
        r"[0-9a-f]{12}",
    )
)
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
HOSTNAME_MAX: Final = 63
"""A node name may be 253 long, but its kubernetes.io/hostname label 63 at most."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One EdgeWorker, as stored."""

    id: int
    uuid: str
    hostname: str
    mgmt_mac: str
    mgmt_ip: str | None
    underlay: str | None = None
    """The address that it had before us, where a tunnel to it ends; None: `mgmt_ip` is
    the only one that is known."""
    emn_id: int | None
    credential_id: int | None
    state: HostState
    generation: int
    """Counts every change; a write names the one it read (compare and set)."""
    task: str | None
    """Live text of the running step, or why the last one failed; under 64 characters
    as StarlingX keeps it (metal mtce-common nodeBase.h)."""
    action: str | None
    """The last maintenance action that was accepted, in the client's word."""
    provisioned_plan: str | None
    """Digest of the plan that the last finished provisioning put on it; None: never."""
    plan_basis: str | None = None
    """Digest of what that plan rested on that all hosts share; None: not known."""
    target_plan: str | None = None
    """Digest of what would be put on it now; None: not known yet."""
    progress: str | None = None
    """How far the run that provisions it is: "3/9"."""
    touched: bool
    """A provisioning run has begun: something of ours may be on it."""
    known_hosts: str | None
    """SSH host keys pinned at first contact, in known_hosts format."""
    reservation_owner: str | None
    reservation_purpose: str | None
    reserved_at: datetime | None
    state_since: datetime
    online: bool
    """Heard from lately, whatever its state; written by the liveness reconciler."""
    powered_off: bool = False
    """Switched off on purpose, and not heard since."""
    kubelet_version: str | None = None
    """As its node in Kubernetes says, e.g. "v1.36.3"; None: it has had none yet."""
    node_uid: str | None = None
    """Of the node in Kubernetes that our join made; None: there was none yet."""
    boot_id: str | None
    inventoried: bool = False
    """Its agent has said once what it is made of."""
    uptime_seconds: int
    serialid: str | None
    location: Mapping[str, object] = field(default_factory=dict)
    capabilities: Mapping[str, object] = field(default_factory=dict)
    attributes: Mapping[str, object] = field(default_factory=dict)
    """Settings that StarlingX's clients send and read back (bm_ip, boot_device,
    console…); Hummingbird itself needs none of them."""
    created_at: datetime
    updated_at: datetime | None

    @property
    def outside(self) -> str | None:
        """Where it is without any tunnel, as far as it is known."""
        return self.underlay or self.mgmt_ip


class HostView(NamedTuple):
    """A host's state in StarlingX's words (contract of sysinv's ihost)."""

    administrative: str
    operational: str
    availability: str
    invprovision: str | None
    task: str | None
    ihost_action: str | None
    inv_state: str | None
    vim_progress_status: str | None
    install_state: str | None
    install_state_info: str | None
    config_status: str | None
    config_applied: str | None
    config_target: str | None


OUT_OF_DATE: Final = "Config out-of-date"
"""StarlingX config sysinv/common/constants.py, CONFIG_STATUS_OUT_OF_DATE."""

_OPERATION: Final[Mapping[HostState, tuple[str, str]]] = {
    HostState.ENABLING: ("disabled", "intest"),
    HostState.ENABLED: ("enabled", "available"),
    HostState.DEGRADED: ("enabled", "degraded"),
    HostState.LOST: ("disabled", "offline"),
    HostState.RECOVERING: ("disabled", "failed"),
}
"""Operational and availability of the states in which they don't hang on more."""

_TASK: Final[Mapping[HostState, str]] = {
    HostState.PROVISIONING: "Unlocking",
    HostState.ENABLING: "Unlocking",
    HostState.LOCKING: "Locking",
    HostState.RECOVERING: "Graceful Recovery",
    HostState.RETIRING: "Deleting",
}
TASK_MAX: Final = 63


def view(host: Host) -> HostView:
    """Return `host` as StarlingX's clients know hosts.

    The steps are those of sysinv: locked/disabled/offline after add, "Unlocking" while a
    run is on, unlocked/disabled/intest until it is heard, unlocked/enabled/available.
    """
    state = host.state
    operational, availability = _operation(host)
    applied, target = host.provisioned_plan, host.target_plan
    is_reinstalled = state is HostState.PROVISIONING and host.action == "reinstall"
    if is_reinstalled:
        inv_state: str | None = "reinstalling"
    else:
        inv_state = "inventoried" if host.inventoried else None
    return HostView(
        administrative="unlocked" if state in UNLOCKED else "locked",
        operational=operational,
        availability=availability,
        invprovision=_invprovision(host),
        task=host.task or _TASK.get(state, "" if host.touched else None),
        ihost_action=host.action,
        inv_state=inv_state,
        vim_progress_status=_vim_progress(host),
        install_state=_install_state(host),
        install_state_info=(host.progress if state is HostState.PROVISIONING else None),
        config_status=(
            OUT_OF_DATE if None not in (applied, target) and applied != target else None
        ),
        config_applied=applied,
        config_target=None if applied is None else target or applied,
    )


def _operation(host: Host) -> tuple[str, str]:
    """Return operational and availability."""
    fixed = _OPERATION.get(host.state)
    if fixed is not None:
        return fixed
    if host.state is HostState.LOCKING:
        return ("enabled", "available") if host.online else ("disabled", "offline")
    if host.powered_off:
        return "disabled", "power-off"
    return "disabled", "online" if host.online else "offline"


def _invprovision(host: Host) -> str | None:
    if host.provisioned_plan is not None:
        return "provisioned"
    if not host.touched:
        return None
    return "provisioning" if host.state is HostState.PROVISIONING else "unprovisioned"


def _vim_progress(host: Host) -> str | None:
    """Return whether workloads may be there, in the words of StarlingX's VIM."""
    if host.state in (HostState.ENABLED, HostState.DEGRADED, HostState.LOCKING):
        return "services-enabled"
    is_drained = host.state is HostState.LOCKED and host.provisioned_plan is not None
    return "services-disabled" if is_drained else None


def _install_state(host: Host) -> str | None:
    """Return how far provisioning is, in the words that sysinv has for installing."""
    if host.state is HostState.PROVISIONING:
        return "preinstall" if host.progress is None else "installing"
    if host.state is HostState.PROVISION_FAILED:
        return "failed"
    return None if host.provisioned_plan is None else "completed"


def check_hostname(hostname: str) -> str:
    """Return `hostname`, fit to be a Kubernetes node name (RFC 1123).

    Since every letter of it is a small one, no two differ in case alone.

    :raises HostnameInvalid: it is not, or would be taken for an id or an address.
    """
    labels = hostname.split(".")
    if (
        len(hostname) > HOSTNAME_MAX
        or not _HOSTNAME.fullmatch(hostname)
        or any(not _HOSTNAME.fullmatch(label) for label in labels)
        or hostname in ("controller-0", "controller-1", "controller", "localhost")
        or all(label.isdigit() for label in labels)
        or _UUID.fullmatch(hostname)
    ):
        raise HostnameInvalid(hostname=hostname)
    return hostname


def check_mac(mac: str) -> str:
    """Return `mac` in one notation: lower case, colons.

    Taken are 52:54:00:aa:bb:01, 52-54-00-aa-bb-01, 5254.00aa.bb01 and 525400aabb01.

    :raises MacInvalid: it is not six octets, or no interface's own: all zeros, or a
        group's (IEEE 802, section 8.2: the lowest bit of the first octet).
    """
    lowered = mac.strip().lower()
    digits = re.sub(r"[-:.]", "", lowered)
    if (
        not any(form.fullmatch(lowered) for form in _MACS)
        or int(digits, 16) == 0
        or int(digits[:2], 16) & 1
    ):
        raise MacInvalid(mac=mac)
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def check_address(address: str) -> str:
    """Return `address` in its canonical text (RFC 5952); an IPv4 address that is written
    as one of IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address.

    :raises AddressInvalid: it is neither IPv4 nor IPv6, or says an interface.
    """
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError as error:
        raise AddressInvalid(address=address) from error
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise AddressInvalid(address=address)
        return str(found.ipv4_mapped or found)
    return str(found)


def pin(hostname: str, key: str) -> str:
    """Return `key` ("TYPE BASE64") as what is pinned of a host, in known_hosts format."""
    return f"{hostname} {key}\n"


def pinned_keys(known_hosts: str | None) -> tuple[str, ...]:
    """Return the keys of a host's pin, each as "TYPE BASE64"."""
    lines = (line.split() for line in (known_hosts or "").splitlines())
    return tuple(" ".join(words[1:3]) for words in lines if len(words) >= 3)


def task_text(text: str) -> str:
    """Return `text` cut to what a host's task may hold."""
    return text if len(text) <= TASK_MAX else text[: TASK_MAX - 1] + "…"
