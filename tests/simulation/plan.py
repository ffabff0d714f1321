# SPDX-License-Identifier: Apache-2.0
"""What a seed decides before anything runs: how large, how set up, what people ask for, and
what goes wrong when.

A plan is plain data. One with some of its faults left out is a plan as well, and each part
draws its luck from a source of its own, so that a failure can be made smaller.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

CALM_SECONDS: Final = 360.0
"""After the last fault, for all that was begun to end."""
WARM_SECONDS: Final = 75.0
"""Before the first: until all hosts are heard."""
FRESH_SECONDS: Final = 60.0
"""For new conductors to look at everything, at the end."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something goes wrong."""

    at: float
    kind: str
    """Name of a method of faults.Faults."""
    target: str = ""
    """A process, a controller, a host, "site=…", or "" for all."""
    seconds: float = 0.0
    """How long it lasts; 0: it is over at once."""
    detail: str = ""
    amount: float = 0.0

    def sentence(self) -> str:
        """Say it in a line."""
        words = [f"{self.at:8.2f} s", self.kind, self.target, self.detail]
        if self.amount:
            words.append(f"{self.amount:g}")
        if self.seconds:
            words.append(f"for {self.seconds:.1f} s")
        return " ".join(word for word in words if word)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What somebody asks for, one thing after the other, of one host."""

    at: float
    host: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One simulation."""

    seed: int
    shape: str
    seconds: float
    """From the first fault on to the last."""
    hosts: int
    new_hosts: int
    """So many more are there, and are added by people."""
    controllers: int
    gateways: int
    sites: int
    options: dict[str, dict[str, Any]] = field(hash=False)
    stories: tuple[Story, ...]
    faults: tuple[Fault, ...]
    own_directories: bool = False
    with_inventory: int = 0
    """So many hosts' sysinv-agents take part."""

    @property
    def faults_end(self) -> float:
        """When everything is right again."""
        return WARM_SECONDS + self.seconds

    @property
    def end(self) -> float:
        """When it is over."""
        return self.faults_end + CALM_SECONDS + FRESH_SECONDS

    def without(self, faults: Sequence[Fault]) -> "Plan":
        """Return this plan without some of its faults."""
        return replace(self, faults=tuple(f for f in self.faults if f not in faults))


def host_name(number: int) -> str:
    """Return the name of a host by its number."""
    return f"edge-{number}"


_SHAPES: Final = {"usual": 81, "new": 10, "long": 1, "absent": 5, "apart": 3}
"""new: nothing is there yet, and all is unlocked at once; long: hours, with faults that
last; absent: half of the hosts are away; apart: state directories that nobody shares."""

STORIES: Final = (
    ("lock", "unlock"),
    ("lock", "reboot", "unlock"),
    ("lock", "reset", "unlock"),
    ("lock", "reset", "reboot"),
    ("lock", "power-off", "power-on", "unlock"),
    ("lock", "reinstall", "unlock"),
    ("lock", "delete"),
    ("force-lock", "unlock"),
    ("lock!", "force-lock", "unlock"),
    ("lock", "unlock!", "force-lock"),
)
""""!": the next is asked for without waiting for this one."""
NEW: Final = (
    ("add", "unlock"),
    ("add", "unlock!", "force-lock"),
    ("add", "unlock", "lock", "delete"),
)


def make(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(f"{seed}/plan")  # noqa: S311
    shape = chance.choices(list(_SHAPES), weights=list(_SHAPES.values()))[0]
    period = chance.choices((10.0, 20.0, 30.0), weights=(1, 2, 5))[0]
    period = 60.0 if shape == "long" else period
    hosts = int(20 * 10 ** chance.triangular(0.0, 1.0, 0.1))
    # Most are short: faults that meet are found sooner by many than by long ones.
    minutes = 10.0 + 50.0 * chance.random() ** 5
    # As many beats as a few seconds of processor time are good for.
    minutes = max(10.0, min(minutes, 3000 * period / hosts / 60))
    new_hosts = chance.randint(1, 4)
    if shape == "new":
        hosts, new_hosts = 0, 20
    elif shape == "long":
        hosts, minutes = 20, 200.0
    seconds = max(150.0, minutes * 60 - WARM_SECONDS - CALM_SECONDS)
    plan = Plan(
        seed=seed,
        shape=shape,
        seconds=seconds,
        hosts=hosts,
        new_hosts=new_hosts,
        controllers=chance.choice((2, 2, 2, 3)),
        gateways=2,
        sites=chance.randint(1, 4),
        options=_options(chance, period=period),
        stories=tuple(_stories(seed, hosts, new_hosts, seconds=seconds, shape=shape)),
        faults=(),
        own_directories=shape == "apart",
        with_inventory=min(hosts, chance.randint(0, 4)),
    )
    return replace(plan, faults=tuple(_faults(plan)))


def _options(chance: random.Random, *, period: float) -> dict[str, dict[str, Any]]:
    # The product's own shares of a period (10 s: 2 s and 1 s), or twice as long ones.
    share = min(period, 30.0) / 10 * chance.choice((1.0, 2.0, 2.0))
    look = chance.choice((2.0, 3.0)) * share
    return {
        "gateway": {
            "period_seconds": period,
            "flush_seconds": share,
            "session_seconds": chance.choice((900, 3600)),
        },
        "liveness": {"period_seconds": look},
        "conductor": {
            "lease_seconds": chance.choice((15.0, 30.0)),
            "poll_seconds": 5.0,
            "workers": chance.choice((3, 8)),
        },
        "recovery": {
            "settle_seconds": 2 * period + 20.0,
            "reboot_gap_seconds": 600.0,
            "max_reboots_per_loss": 2,
            "max_reboots_per_day": 4,
        },
        "provisioning": {
            "timeout_seconds": 600.0,
            "connect_timeout_seconds": 20.0,
            "ready_timeout_seconds": 90.0,
            "drain_timeout_seconds": 20.0,
        },
        "bmc": {
            "check_seconds": 120.0,
            "boot_seconds": 150.0,
            "shutdown_seconds": 20.0,
        },
    }


def _stories(
    seed: int, hosts: int, new_hosts: int, *, seconds: float, shape: str
) -> list[Story]:
    chance = random.Random(f"{seed}/stories")  # noqa: S311
    if shape == "new":
        return [
            Story(
                at=5.0 + chance.random() * 60.0,
                host=host_name(number),
                steps=chance.choice((("add", "unlock"), ("add", "unlock"), *NEW)),
            )
            for number in range(new_hosts)
        ]
    count = chance.randint(3, 9)
    numbers = chance.sample(range(hosts), min(count, hosts))
    told = [
        Story(
            at=WARM_SECONDS + chance.random() * seconds * 0.8,
            host=host_name(number),
            steps=chance.choice(STORIES),
        )
        for number in numbers
    ]
    told += [
        Story(
            at=WARM_SECONDS * 0.3 + chance.random() * seconds * 0.6,
            host=host_name(hosts + number),
            steps=chance.choice(NEW),
        )
        for number in range(new_hosts)
    ]
    return sorted(told, key=lambda one: one.at)


_WEIGHTS: Final = {
    "kill": 5,
    "terminate": 5,
    "freeze": 4,
    "trap": 12,
    "crash": 2,
    "step": 4,
    "database": 6,
    "spoil": 5,
    "weather": 3,
    "link": 3,
    "cut": 3,
    "site": 2,
    "unplug": 4,
    "udp": 2,
    "kubernetes": 3,
    "stale": 2,
    "rpc": 2,
    "power": 4,
    "reboot": 3,
    "anew": 1,
    "hang": 3,
    "unready": 4,
    "board": 1,
}

TRAPS: Final = (
    "db.committed",
    "db.commit",
    "db.begin",
    "db.read",
    "playbook",
    "board.order",
    "board.ordered",
    "kubernetes.",
    "helm",
    "wait",
    "http",
    "probe",
)
_STEPS: Final = (1.0, 5.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0, 3.2e7, 1.6e8)


def _faults(plan: Plan) -> list[Fault]:
    chance = random.Random(f"{plan.seed}/faults")  # noqa: S311
    count = chance.randint(3, 9)
    kinds = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()), k=count)
    found: list[Fault] = []
    at = WARM_SECONDS
    if plan.shape == "long":
        found.append(
            Fault(
                at=WARM_SECONDS + 10.0,
                kind="udp",
                target=host_name(chance.randrange(plan.hosts)),
                seconds=plan.seconds - 10.0,
            )
        )
    if plan.shape == "absent":
        found += [
            Fault(
                at=WARM_SECONDS,
                kind="power",
                target=host_name(number),
                seconds=plan.seconds,
            )
            for number in range(0, plan.hosts, 2)
        ]
    for kind in kinds:
        # Some at once, some long after the one before.
        if chance.random() < 0.7 or not found:
            at = WARM_SECONDS + chance.random() * plan.seconds * 0.85
        made = _fault(chance, plan, kind, at=at + chance.random() * 2)
        if kind == "power" and chance.random() < 0.3:
            made = replace(made, seconds=plan.faults_end - made.at)
        found.append(made)
    return sorted(found, key=lambda one: one.at)


def _fault(chance: random.Random, plan: Plan, kind: str, *, at: float) -> Fault:
    left = max(5.0, plan.faults_end - at)
    controller = f"controller-{chance.randrange(plan.controllers)}"
    gateway = f"controller-{chance.randrange(plan.gateways)}.gateway"
    kinds = ("conductor", "conductor", "gateway", "api")
    some_kind = chance.choice(kinds)
    process = gateway if some_kind == "gateway" else f"{controller}.{some_kind}"
    host = host_name(chance.randrange(plan.hosts + plan.new_hosts))
    seconds = min(left, chance.choice((3.0, 10.0, 25.0, 45.0, 90.0, 180.0)))
    seconds *= chance.uniform(0.7, 1.0)
    detail, amount, target = "", 0.0, ""
    match kind:
        case "kill" | "terminate" | "freeze":
            target = process
        case "trap":
            target = process
            ends = chance.choice(("kill", "kill", "terminate", "freeze"))
            what = chance.choice(TRAPS)
            detail = f"{ends} {what}"
            amount = float(chance.randrange(1 if what in _RARE else 40))
        case "crash" | "link":
            target = controller
        case "step":
            target = chance.choice((controller, "", host))
            amount = chance.choice(_STEPS) * chance.choice((1, 1, -1))
            seconds = 0.0
        case "database":
            target = chance.choice(("", process, controller))
            detail = chance.choice(("away", "hole", "hole", "slow"))
        case "spoil":
            target, detail, seconds = process, chance.choice(("undone", "unsaid")), 0.0
        case "weather":
            detail = chance.choice(("loss", "doubled", "late"))
            amount = chance.choice((0.05, 0.2)) if detail != "late" else 2.0
        case "cut":
            target, detail = host, controller
        case "site":
            target = f"site-{chance.randrange(plan.sites)}"
        case "unplug" | "udp" | "power" | "reboot" | "anew" | "board":
            target = host
        case "hang":
            target = host
            detail = chance.choice(("restart_services", "reboot", "reset"))
        case "unready":
            target = host
            seconds = min(left, chance.uniform(60.0, 400.0))
            detail = chance.choice(("restart_services", "nothing"))
        case "kubernetes":
            target = chance.choice(("", process))
    return Fault(
        at=at, kind=kind, target=target, seconds=seconds, detail=detail, amount=amount
    )


_RARE: Final = frozenset({"playbook", "board.order", "board.ordered", "helm", "probe"})
