# SPDX-License-Identifier: Apache-2.0
"""One seed from beginning to end: put up, let live, come to rest, look."""

import gc
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from hummingbird.db import migration
from hummingbird.db.repository import credential as credentials
from hummingbird.db.repository import emn as emns
from hummingbird.db.repository import event_suppression, system
from hummingbird.db.repository import host as hosts
from hummingbird.db.session import Database
from hummingbird.domain.alarm_catalogue import CATALOGUE
from hummingbird.domain.emn import Attachment
from hummingbird.domain.host_machine import Event
from hummingbird.domain.node import UUID_LABEL
from hummingbird.errors import HummingbirdError
from hummingbird.secretbox import SecretBox
from tests.fakes.cluster import FakeCluster
from tests.simulation import standins, threads
from tests.simulation.clock import MachineClock
from tests.simulation.deployment import (
    KINDS,
    Deployment,
    helm_program,
    replacements,
)
from tests.simulation.faults import Faults
from tests.simulation.field import Field, Host
from tests.simulation.network import Network
from tests.simulation.people import People
from tests.simulation.plan import FRESH_SECONDS, Plan, host_name
from tests.simulation.rest import at_rest
from tests.simulation.scheduler import Killed, Machine, Scheduler
from tests.simulation.store import DatabaseServer
from tests.simulation.truth import Truth, Violation

LOOK_SECONDS: Final = 5.0
"""Between two looks at what no commit tells."""
KEY: Final = b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@dataclass(frozen=True)
class Result:
    """What one simulation came to."""

    plan: Plan
    violations: list[Violation]
    notes: list[tuple[float, str]]
    host_hours: float
    cpu_seconds: float
    counts: dict[str, Any] = field(default_factory=dict)


class Template:
    """A migrated database without rows, to be copied for each seed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "template.sqlite"
        database = Database(f"sqlite:///{self.path}")
        migration.upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.dispose()
        standins.load()

    @classmethod
    @cache
    def of(cls, folder: Path) -> "Template":
        """Return the one in `folder`, made at the first time."""
        return cls(folder)


class _Complaints(logging.Handler):
    """Hears what the product logs of errors that it did not expect."""

    def __init__(
        self, scheduler: Scheduler, say: Callable[[str, str], None], *, verbose: bool
    ) -> None:
        super().__init__(logging.INFO if verbose else logging.WARNING)
        self._scheduler = scheduler
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        task = threads.current_task()
        where = task.process.name if task is not None else "-"
        text = f"{where} {record.name.split('.')[-1]}: {record.getMessage()}"
        self._scheduler.note(text)
        info = record.exc_info
        if info and info[1] is not None and record.levelno >= logging.ERROR:
            if isinstance(info[1], Killed | HummingbirdError):
                return
            self._say("unexpected", f"{text}: {_traced(info[1])}")


def _traced(error: BaseException) -> str:
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"{error!r}{place}"


def simulate(
    plan: Plan,
    template: Template,
    *,
    watch: Callable[[float, str], None] | None = None,
    mutant: Callable[[], Any] | None = None,
) -> Result:
    """Run a plan.

    :param watch: told of each thing that happens, as it happens.
    :param mutant: a context in which the product has a fault of old.
    """
    began = time.process_time()
    folder = template.folder / f"seed-{plan.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with ExitStack() as stack:
            stack.enter_context(_without_collection())
            stack.enter_context(standins.seeded(str(plan.seed)))
            scheduler = Scheduler(seed=str(plan.seed))
            scheduler.on_note = watch
            threads.enter(scheduler)
            stack.callback(threads.leave)
            stack.enter_context(standins.in_place(replacements()))
            if mutant is not None:
                stack.enter_context(mutant())
            world = World(plan, scheduler, template, folder)
            stack.enter_context(world.running(verbose=watch is not None))
            world.live()
        return Result(
            plan,
            world.truth.violations,
            list(scheduler.notes),
            host_hours=(plan.hosts + plan.new_hosts) * plan.end / 3600.0,
            cpu_seconds=time.process_time() - began,
            counts=world.counts(),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the garbage collector out: when it comes is no part of a seed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class World:
    """All of one simulation."""

    def __init__(
        self, plan: Plan, scheduler: Scheduler, template: Template, folder: Path
    ) -> None:
        self.plan = plan
        self.scheduler = scheduler
        seed = str(plan.seed)
        self.path = folder / "database.sqlite"
        shutil.copy(template.path, self.path)
        self.server = DatabaseServer(scheduler, f"sqlite:///{self.path}", seed=seed)
        self.network = Network(scheduler, seed=seed)
        machine = Machine("kubernetes", scheduler)
        self.cluster = FakeCluster(clock=MachineClock(machine))
        self.field = Field(scheduler, self.network, self.cluster, seed=seed)
        self.deployment = Deployment(
            scheduler,
            self.network,
            self.field,
            self.server,
            folder=folder,
            options=plan.options,
            own_directories=plan.own_directories,
        )
        (folder / "shared").mkdir()
        self._box = SecretBox(KEY)
        for state in [folder / "shared"] + [
            folder / f"controller-{n}" for n in range(plan.controllers)
        ]:
            state.mkdir(exist_ok=True)
            (state / "secret.key").write_bytes(KEY)
        self._seed_database()
        self.truth = Truth(scheduler, self.deployment, plan, path=str(self.path))
        self.faults = Faults(self.deployment, on_change=self.truth.changed)
        self.truth.acts.windows = self.faults.windows
        self.people = People(self.deployment)
        self.people.on_late = partial(self.truth.say, "late")

    # --- what is there before -------------------------------------------------------------

    def _seed_database(self) -> None:
        database = Database(self.server.url)
        now = Machine("setup", self.scheduler).now()
        with database.writer() as connection:
            system.seed(connection, name="sim", mn_cidr="192.168.204.0/24", now=now)
            event_suppression.sync(connection, CATALOGUE.values())
            credentials.create(
                connection,
                name="default",
                user="edge",
                port=22,
                become=True,
                private_key="KEY",
                password=None,
                become_password=None,
                box=self._box,
                now=now,
            )
            for number in range(self.plan.sites):
                emns.create(
                    connection,
                    name=f"net-{number}",
                    cidr=f"10.20.{number}.0/24",
                    attachment=Attachment.ROUTED,
                    site=f"site-{number}",
                    credential_id=None,
                    now=now,
                )
            for number in range(self.plan.hosts + self.plan.new_hosts):
                host = self._put_up(number)
                if number < self.plan.hosts:
                    self._store(connection, host, now=now)
        database.dispose()

    def _put_up(self, number: int) -> Host:
        site = number % self.plan.sites
        host = self.field.add(
            host_name(number),
            f"10.20.{site}.{10 + number // self.plan.sites}",
            f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
            has_board=number % 2 == 0,
        )
        host.site = f"site-{site}"
        host.has_inventory = number < self.plan.with_inventory
        return host

    def _store(self, connection: Any, host: Host, *, now: Any) -> None:
        """Have a host in service since before."""
        attributes: dict[str, object] = {}
        if host.board is not None:
            attributes = {
                "bm_type": "redfish",
                "bm_ip": host.board_address,
                "bm_username": host.board.user,
                "bm_password_sealed": self._box.seal(host.board.password),
            }
        found = hosts.create(
            connection,
            hostname=host.name,
            mgmt_mac=host.mac,
            mgmt_ip=host.address,
            emn_id=emns.of_address(connection, host.address).id,
            credential_id=None,
            serialid=None,
            location={},
            capabilities={},
            attributes=attributes,
            now=now,
        )
        for event in (Event.PROVISION, Event.PROVISIONED, Event.IN_SERVICE):
            found = hosts.move(connection, found, event, now=now)
        hosts.change(
            connection,
            found,
            now=now,
            provisioned_plan="before",
            plan_basis="before",
            target_plan="before",
            touched=True,
            known_hosts=host.key,
        )
        host.has_kubelet = True
        host.node_labels = {UUID_LABEL: found.uuid}
        self.cluster.join(
            host.name,
            boot_id=host.boot_id,
            internal_ip=host.address,
            labels=host.node_labels,
        )
        host.ready_since = 0.0

    # --- what happens ---------------------------------------------------------------------

    @contextmanager
    def running(self, *, verbose: bool) -> Iterator[None]:
        """Everything that is up while the block runs."""
        logger = logging.getLogger("hummingbird")
        handler = _Complaints(self.scheduler, self.truth.say, verbose=verbose)
        before = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.setLevel(handler.level)
        logger.propagate = False
        # What the agents say is seen in what they do.
        for name in ("mtc-client", "sysinv-agent"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            with helm_program(self.deployment):
                yield
        finally:
            self._end_all()
            logger.removeHandler(handler)
            logger.level, logger.propagate = before
            self.truth.close()

    def _end_all(self) -> None:
        for controller in self.deployment.controllers.values():
            controller.wanted.clear()
            for process in controller.processes.values():
                self.scheduler.kill(process)
        for host in self.field.hosts.values():
            self.field.end_agents(host)
        self.scheduler.kill(self.people.process)

    def live(self) -> None:
        """Let it live until its end, and look at what has become of it."""
        plan, deployment = self.plan, self.deployment
        addresses = [f"192.168.204.{2 + n}" for n in range(plan.controllers)]
        for number in range(plan.controllers):
            controller = deployment.add(
                f"controller-{number}",
                addresses[number],
                gateways=addresses[: plan.gateways],
            )
            for kind in KINDS:
                if kind != "gateway" or number < plan.gateways:
                    deployment.start(controller, kind)
        for story in plan.stories:
            self.people.plan(story)
        for fault in plan.faults:
            self.faults.plan(fault)
        self._look()
        self.scheduler.run(plan.end - FRESH_SECONDS)
        before = at_rest(self)
        self._start_anew()
        self.scheduler.run(plan.end)
        at_rest(self, before=before)

    def _look(self) -> None:
        self.truth.changed()
        self.truth.look()
        if self.scheduler.now < self.plan.end:
            self.scheduler.at(LOOK_SECONDS, self._look)

    def _start_anew(self) -> None:
        """Start all conductors anew: their first look is at everything."""
        for controller in self.deployment.controllers.values():
            self.deployment.terminate(controller, "conductor")

    def counts(self) -> dict[str, Any]:
        """Return how much has happened."""
        return {
            "steps": self.scheduler.steps,
            "statements": dict(self.server.statements),
            "rows": dict(self.server.rows),
            "runs": len(self.truth.acts.runs),
            "accepted": len(self.people.accepted),
            "refused": len(self.people.refused),
            "releases": self.deployment.helm.revision,
        }
