# SPDX-License-Identifier: Apache-2.0
"""Labels of a host, which its Kubernetes node gets too: what may be one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hummingbird.domain.host_state import UNLOCKED, HostState
from hummingbird.errors import LabelInvalid, LabelNeedsLock, LabelReserved

NAME_MAX: Final = 63
PREFIX_MAX: Final = 253
"""Kubernetes, "Labels and Selectors", syntax and character set."""
KEYS_MAX: Final = 100
"""Labels of one host; a guess, far above what anybody sets, and far below what a node
object has room for."""

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_RESERVED: Final = ("kubernetes.io", "k8s.io", "hummingbird.starlingx.io")
"""Prefixes, with all that end in them, that Kubernetes and Hummingbird keep to
themselves."""
_ALLOWED: Final = ("node-role.kubernetes.io/",)
"""What people do set there, by kubeadm's own custom."""

NEED_LOCK: Final = frozenset(
    {
        "openstack-control-plane",
        "openstack-compute-node",
        "disable-nohz-full",
        "openvswitch",
        "remote-storage",
        "sriovdp",
        "sriovdp-isrdma",
        "sriovdp-vhostnet",
        "kube-topology-mgr-policy",
        "kube-cpu-mgr-policy",
        "kube-memory-mgr-policy",
    }
)
"""Labels that change how a node works, so that its host must be locked (StarlingX
config sysinv/api/controllers/v1/label.py, _check_host_locked)."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """One label of one host."""

    id: int
    uuid: str
    host_id: int
    host_uuid: str
    label_key: str
    label_value: str


def check_label(key: str, value: str) -> None:
    """Refuse what Kubernetes would refuse, and what is not the operator's to set.

    :raises LabelInvalid, LabelReserved: it is.
    """
    prefix, slash, name = key.rpartition("/")
    if len(name) > NAME_MAX or not _NAME.fullmatch(name):
        raise LabelInvalid(
            what=f"key {key!r}",
            rule=(
                "its name has 1 to 63 letters, digits, '-', '_' or '.', and begins and "
                "ends with a letter or digit"
            ),
        )
    if slash and (len(prefix) > PREFIX_MAX or not _PREFIX.fullmatch(prefix)):
        raise LabelInvalid(
            what=f"key {key!r}",
            rule="what stands before '/' is a DNS name of at most 253 characters",
        )
    if value and (len(value) > NAME_MAX or not _NAME.fullmatch(value)):
        raise LabelInvalid(
            what=f"value {value!r}",
            rule=(
                "it is empty or has at most 63 letters, digits, '-', '_' or '.', and "
                "begins and ends with a letter or digit"
            ),
        )
    if _is_reserved(key, prefix):
        raise LabelReserved(key=key, prefix=prefix)


def _is_reserved(key: str, prefix: str) -> bool:
    if key.startswith(_ALLOWED):
        return False
    return any(prefix == word or prefix.endswith(f".{word}") for word in _RESERVED)


def check_lock(hostname: str, state: HostState, keys: Iterable[str]) -> None:
    """Refuse labels that need a locked host, on one that is not.

    :raises LabelNeedsLock: it is unlocked.
    """
    held = [key for key in keys if key in NEED_LOCK]
    if held and state in UNLOCKED:
        raise LabelNeedsLock(hostname=hostname, keys=held)


def is_settable(key: str) -> bool:
    """Return whether `key` is a label that an operator may set."""
    try:
        check_label(key, "")
    except (LabelInvalid, LabelReserved):
        return False
    return True
