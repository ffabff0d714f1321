# SPDX-License-Identifier: Apache-2.0
"""What the workflows work with: one object, made by `cmd`, replaced whole in tests."""

from collections.abc import Callable
from dataclasses import dataclass

from hummingbird.adapters.ansible.playbook import PlaybookRunner
from hummingbird.adapters.bmc.board import Boards
from hummingbird.adapters.kubernetes.cluster import Cluster
from hummingbird.adapters.netlink.link import Links
from hummingbird.clock import Clock
from hummingbird.db.session import Database
from hummingbird.domain.provisioning import Settings
from hummingbird.domain.tunnel import HubOptions
from hummingbird.domain.vxlan import UDP_PORT, VxlanOptions
from hummingbird.reconcilers.fleet.recovery import Probe
from hummingbird.secretbox import SecretBox

HUB_OPTIONS = HubOptions(
    endpoints=(),
    overlay="100.126.0.0/16",
    networks=(),
    keepalive_seconds=25,
    mtu=1420,
    period_seconds=10.0,
)
"""Of a deployment that said nothing: without an endpoint, so without tunnels."""
VXLAN_OPTIONS = VxlanOptions(
    bridge="hbvxlan", port=UDP_PORT, endpoints=(), learning=False
)
"""As much of one about VXLAN."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long things may take, in seconds."""

    playbook: float
    connect: float
    ready: float
    drain: float
    settle: float
    """After a rung of recovery, until a heartbeat must have come."""
    boot: float
    """From power-on to the first heartbeat."""
    shutdown: float
    """For a shutdown in good order, before the power is cut."""
    lease: float
    """How long the database may be away before a run gives up on it."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Everything outside of this process that a run talks to."""

    database: Database
    clock: Clock
    box: SecretBox
    runner: PlaybookRunner
    cluster: Cluster
    probe: Probe
    boards: Boards
    ensure_agents: Callable[[], bool]
    """Has the agents' chart installed; see reconcilers/agent.py."""
    settings: Callable[[], Settings]
    agents_namespace: str
    patience: Patience
    links: Links
    """This controller's own links and routes."""
    vxlan_options: VxlanOptions = VXLAN_OPTIONS
    """What is said about VXLAN."""
    allow_playbooks: Callable[[str, float], None] = lambda life, seconds: None
    """Lets the playbooks of a life of this conductor run for so many seconds from now; may
    raise OSError."""
    nudge: Callable[[str], None] = lambda name: None
    """Hurries a reconciler."""
    look: Callable[[str], None] = lambda name: None
    """Has a reconciler look, and returns when it has."""
    controller: str = ""
    """This controller's name; a host is reached inside its tunnel by the one whose hub
    hears it."""
    hub_options: HubOptions = HUB_OPTIONS
    """What is said about tunnels."""
