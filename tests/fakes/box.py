# SPDX-License-Identifier: Apache-2.0
"""One small box out in the field, and the time that it lives in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from hummingbird.clock import ManualClock


@dataclass
class Box:
    """One small box out in the field."""

    address: str
    """Where it is reached, from the start."""
    inside: str | None = None
    """Where it is reached as well, once its VXLAN is there."""
    is_on: bool = True
    is_connected: bool = True
    has_agents: bool = False
    node_labels: dict[str, str] = field(default_factory=dict)
    """What its kubelet says of itself when it makes its node."""
    boot_id: str = field(default_factory=lambda: str(uuid4()))
    booted_at: float = 0.0
    boots: int = 0
    """How often it booted since it was added."""
    beats: int = 0
    gateway: int = 0
    """Number of the controller whose gateway its agent talks to."""
    unanswered: int = 0
    """Seconds since its agent has got an answer, while it waits for one."""
    revived_by: frozenset[str] = frozenset()
    """Tags of recover.yml after which it beats again."""
    is_hung: bool = False
    """On, answers by SSH, but its agents don't beat."""

    udp_is_blocked: bool = False
    """Its agents reach the gateway by TCP, and no heartbeat of theirs arrives."""

    stays_on: bool = False
    """It does not do what it is told when it is to go off."""

    def boot(self, *, at: float) -> None:
        """Begin another boot at `at`, of the monotonic clock."""
        self.boot_id, self.booted_at = str(uuid4()), at
        self.boots += 1

    def answers(self) -> bool:
        """Whether its SSH server does."""
        return self.is_on and self.is_connected


class WorldClock(ManualClock):
    """Moves in steps short enough for the boxes to beat meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.on_tick: Callable[[], None] = lambda: None

    def advance(self, seconds: float) -> None:
        left = seconds
        while left > 0:
            step = min(1.0, left)
            super().advance(step)
            left -= step
            self.on_tick()
