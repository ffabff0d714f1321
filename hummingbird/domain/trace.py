# SPDX-License-Identifier: Apache-2.0
"""Where the path to a host ends: from what was seen on the way to one finding and its repair.

The steps are in the order in which a packet meets them: our own link, the way below a
tunnel, the tunnel, what fits through, SSH, the host's key, the login, and from the host
back to Kubernetes and to the gateway. The first that is broken is the finding; what lies
behind it could not be seen and says nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from hummingbird.domain.emn import Attachment
from hummingbird.domain.finding import TELLS, Finding
from hummingbird.domain.wireguard import STALE_HANDSHAKE_SECONDS

WITH_WIREGUARD: Final = frozenset({Attachment.WIREGUARD, Attachment.WIREGUARD_VXLAN})


class Ssh(StrEnum):
    """What became of a connection to the SSH port."""

    ANSWERS = "answers"
    """A server said its banner (RFC 4253, section 4.2)."""
    REFUSED = "refused"
    """The host is there and nothing listens."""
    SILENT = "silent"
    """Nothing came back."""
    HUNG = "hung"
    """The connection stands, and no banner came."""


class StepState(StrEnum):
    """How one step of the path looked."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """Not looked at, or it says nothing where it stands."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen on the way to one host. None: not looked at."""

    hostname: str
    emn: str | None
    attachment: Attachment
    address: str | None
    """Where it is to be reached."""
    port: int = 22
    outer: str | None = None
    """The address of the packets that leave us, where a tunnel is in between. A host behind
    NAT does not answer there."""
    end: str | None = None
    """The host that has the tunnel's other end, where a gateway carries its site."""
    link: str | None = None
    """Our interface towards `outer`, or `address`; None: no route."""
    link_up: bool = False
    outer_answers: bool | None = None
    """A ping of `outer`."""
    hub: str | None = None
    """Where hosts reach the WireGuard hub."""
    has_key: bool = True
    """The hub knows a key of the host's."""
    handshake_seconds: float | None = None
    """The age of its last handshake; None: there was none."""
    answers: bool | None = None
    """A ping of `address`."""
    mtu_wanted: int | None = None
    """The largest packet that should go through, in bytes."""
    mtu_found: int | None = None
    """The largest that did."""
    ssh: Ssh | None = None
    key_is_pinned: bool = False
    key_is_known: bool | None = None
    """Whether the key that the host shows is the pinned one."""
    is_key_wanted: bool = False
    """No login was tried: a password would go to a host whose key is not pinned."""
    login: str | None = None
    """Why a login failed; empty: it went well."""
    from_host: Mapping[str, bool] = field(default_factory=dict)
    """What the host itself reached: "kubernetes HOST:PORT" and the like -> whether."""
    heard_seconds: float | None = None
    """The age of the last heartbeat; None: none came."""
    heard_allowance: float = 30.0
    """What age is well."""
    is_asking: bool = False
    """Its heartbeat agent got its last session by TCP, and no beat was heard in it."""
    is_in_service: bool = False
    """It is supposed to send heartbeats."""


@dataclass(frozen=True)
class Step:
    """One step of the path."""

    name: str
    state: StepState
    detail: str


@dataclass(frozen=True)
class Trace:
    """What `host-trace` says."""

    finding: Finding
    sentence: str
    repair: str
    steps: tuple[Step, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, to be stored."""
        return {
            "finding": self.finding.value,
            "sentence": self.sentence,
            "repair": self.repair,
            "steps": [asdict(step) for step in self.steps],
        }


def trace(seen: Seen) -> Trace:
    """Return where the path ends, why, and what to do."""
    finding = _finding(seen)
    sentence, repair = TELLS[finding]
    facts = {
        "hostname": seen.hostname,
        "end": seen.end or seen.hostname,
        "emn": seen.emn or "",
        "address": seen.address,
        "port": seen.port,
        "outer": seen.outer,
        "target": seen.outer or seen.address,
        "link": seen.link,
        "hub": seen.hub or "the hub",
        "handshake": age(seen.handshake_seconds),
        "mtu_found": seen.mtu_found,
        "mtu_wanted": seen.mtu_wanted,
        "login": seen.login,
        "missing": ", ".join(name for name, ok in seen.from_host.items() if not ok),
        "heard": (
            "none ever did"
            if seen.heard_seconds is None
            else f"the last is {age(seen.heard_seconds)} old"
        ),
    }
    return Trace(
        finding, sentence.format(**facts), repair.format(**facts), tuple(_steps(seen))
    )


def unfinished(hostname: str, *, seconds: float) -> Trace:
    """Return what is said of a host where the look itself does not come to an end."""
    sentence, repair = TELLS[Finding.UNFINISHED]
    facts = {"hostname": hostname, "seconds": f"{seconds:.0f}"}
    return Trace(
        Finding.UNFINISHED, sentence.format(**facts), repair.format(**facts), ()
    )


def _finding(seen: Seen) -> Finding:
    for judge in (_of_link, _of_tunnel, _of_packets, _of_ssh, _of_host):
        found = judge(seen)
        if found is not None:
            return found
    return Finding.REACHED


def _of_link(seen: Seen) -> Finding | None:
    if seen.address is None:
        return Finding.ADDRESS_MISSING
    if seen.attachment in WITH_WIREGUARD:
        return None  # a tunnel that the host opens needs no route of ours to it
    if seen.link is None:
        return Finding.ROUTE_MISSING
    return None if seen.link_up else Finding.LINK_DOWN


def _of_tunnel(seen: Seen) -> Finding | None:
    if _is_through(seen):
        return None
    if seen.attachment in WITH_WIREGUARD:
        if not seen.has_key:
            return Finding.TUNNEL_NEW
        if seen.handshake_seconds is None:
            return Finding.TUNNEL_NEVER_HEARD
    match seen.attachment:
        case Attachment.WIREGUARD:
            # Whatever the handshake's age: it was good until the way was cut.
            if seen.outer_answers:
                return Finding.TUNNEL_UDP_BLOCKED
            return Finding.HANDSHAKE_OLD
        case Attachment.WIREGUARD_VXLAN:
            return _of_vxlan(seen, below=Finding.HANDSHAKE_OLD)
        case Attachment.VXLAN:
            return _of_vxlan(seen, below=Finding.UNDERLAY_SILENT)
    return None


def _of_vxlan(seen: Seen, *, below: Finding) -> Finding | None:
    """Return what is wrong below a VXLAN, or with it."""
    if seen.outer is None:
        return None
    return Finding.UDP_BLOCKED if seen.outer_answers else below


def _is_through(seen: Seen) -> bool:
    """Whether anything at all came back from the host itself."""
    return bool(seen.answers) or seen.ssh in (Ssh.ANSWERS, Ssh.REFUSED, Ssh.HUNG)


def _of_packets(seen: Seen) -> Finding | None:
    if not _is_through(seen):
        return Finding.HOST_SILENT
    if (
        seen.mtu_found is not None
        and seen.mtu_wanted is not None
        and seen.mtu_found < seen.mtu_wanted
    ):
        return Finding.MTU_BLACK_HOLE
    return None


def _of_ssh(seen: Seen) -> Finding | None:
    refusals = {
        Ssh.REFUSED: Finding.SSH_REFUSED,
        Ssh.SILENT: Finding.SSH_SILENT,
        Ssh.HUNG: Finding.SSH_HUNG,
    }
    if seen.ssh in refusals:
        return refusals[seen.ssh]
    if seen.key_is_pinned and seen.key_is_known is False:
        return Finding.HOST_KEY_CHANGED
    if seen.is_key_wanted:
        return Finding.KEY_NOT_PINNED
    return Finding.LOGIN_REFUSED if seen.login else None


def _of_host(seen: Seen) -> Finding | None:
    missing = [name for name, ok in seen.from_host.items() if not ok]
    if any(name.startswith("Kubernetes") for name in missing):
        return Finding.KUBERNETES_UNREACHABLE
    if missing:
        return Finding.GATEWAY_UNREACHABLE
    is_late = seen.heard_seconds is None or seen.heard_seconds > seen.heard_allowance
    if not (seen.is_in_service and is_late):
        return None
    # Whoever gets a session beats at once (agents/link/heart.py): an agent that asks again
    # and again has not been heard, and its datagrams are lost on the way.
    return Finding.GATEWAY_UDP_BLOCKED if seen.is_asking else Finding.AGENT_SILENT


# --- the steps, for a person to read ------------------------------------------------------


def _steps(seen: Seen) -> Iterable[Step]:
    target = seen.outer or seen.address
    if target is not None:
        yield _step(
            "link",
            None if seen.attachment in WITH_WIREGUARD else seen.link_up,
            f"{seen.link or 'no interface'} leads to {target}",
        )
    if seen.outer is not None:
        answers = seen.outer_answers
        if seen.attachment is Attachment.WIREGUARD:
            answers = answers or None  # behind NAT it can't
        yield _step("underlay", answers, f"ping of {seen.outer}")
    if seen.attachment in WITH_WIREGUARD:
        known = seen.handshake_seconds
        fresh = known is not None and known <= STALE_HANDSHAKE_SECONDS
        yield _step("tunnel", fresh, f"last handshake: {age(known)}")
    if seen.address is not None:
        yield _step("answer", seen.answers, f"ping of {seen.address}")
    if seen.mtu_wanted is not None:
        fits = None if seen.mtu_found is None else seen.mtu_found >= seen.mtu_wanted
        yield _step(
            "mtu", fits, f"{seen.mtu_found or '?'} of {seen.mtu_wanted} bytes fit"
        )
    if seen.ssh is not None:
        yield _step("ssh", seen.ssh is Ssh.ANSWERS, f"port {seen.port}: {seen.ssh}")
    if seen.key_is_pinned:
        yield _step("host key", seen.key_is_known, "the one that is pinned")
    if seen.is_key_wanted:
        yield _step("host key", False, "none is pinned: no password is sent")
    if seen.login is not None:
        yield _step("login", not seen.login, seen.login or "went well")
    for name, ok in seen.from_host.items():
        yield _step("from the host", ok, name)
    if seen.is_in_service or seen.heard_seconds is not None:
        late = seen.heard_seconds is None or seen.heard_seconds > seen.heard_allowance
        yield _step("heartbeat", not late, f"last heard: {age(seen.heard_seconds)}")


def _step(name: str, ok: bool | None, detail: str) -> Step:
    state = {True: StepState.OK, False: StepState.BROKEN, None: StepState.UNKNOWN}[ok]
    return Step(name, state, detail)


def age(seconds: float | None) -> str:
    """Return an age for a person."""
    if seconds is None:
        return "never"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
