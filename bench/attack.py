# SPDX-License-Identifier: Apache-2.0
"""What attackers get, and what they cost: one `hummingbird up`, and those who mean no good.

Prints one JSON line last:

silent_5000_p99_ms  an honest request, each with a connection of its own, while 5,000 peers
                    from 50 addresses are silent at the same port; the worst of the API's,
                    FM's and the gateway's. `silent_ms` has all three, with medians
drip_500_p99_ms     the same while 500 send a byte of a header, or of a body, each three
                    seconds; `drip_ms` and `body_ms` have all three ports
key_update_50_p99_ms  the same while 50 ask for new keys (TLS 1.3) without end, each again as soon
                    as it is sent away; `new_keys_ms` has all three ports
honest_ms           the same without an attack
attack_cpu          of a core, that the program took meanwhile: the worst
attack_rss_mb       its memory then: the most
log_lines           that it wrote about strangers
garbage_1e6_cpu_s   processor time for 1,000,000 datagrams that are nothing, beside what the
                    program takes in the same time without them
garbage_beats_lost  of an honest host's heartbeats meanwhile, each sent up to five times
forged              datagrams made from one good beat (bench/attack_forge.py), by kind
forged_accepted     how many of these were acknowledged or written down; has to be 0
load                the machine's load average, one minute, at the start and the end

host_reads, secrets_in_clear  see bench/attack_host.py and bench/attack_secret.py: modules of
                    `FURTHER`, each with a function `measure(program, folder)`
"""

import argparse
import http.client
import importlib
import json
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select as sql

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' free ports

from api_fleet import NETWORK, Fleet
from api_program import Program
from attack_forge import forgeries, garbage

from hummingbird.db.model import HEARTBEAT
from hummingbird.db.repository import heartbeat, host
from hummingbird.db.session import Database
from hummingbird.gateway.keys import SessionKeys, new_nonce
from hummingbird.httpd.limits import raise_file_limit
from hummingbird.wire import inventory, session
from hummingbird.wire.heartbeat import Beat, DatagramInvalid, Kind, head, seal_beat

SOURCES: Final = 50
HONEST: Final = 200
GARBAGE: Final = 1_000_000
FURTHER: Final = ("attack_secret", "attack_host")
"""Modules of bench/ with further figures."""
_PATIENCE_SECONDS: Final = 30.0
_HOSTS: Final = 20
_BOOT: Final = UUID(int=1)

Ask = Callable[[], None]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Door:
    """One TCP port of the program, and an honest request to it."""

    def __init__(self, name: str, port: int, ca_file: Path) -> None:
        self.name = name
        self.port = port
        self._context = ssl.create_default_context(cafile=ca_file)

    def ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> None:
        """Ask with a connection of its own; raises on what is not a success."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self._context, timeout=_PATIENCE_SECONDS
        )
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if not 200 <= answer.status < 300:
                raise RuntimeError(f"{self.name}: {answer.status}")
        finally:
            connection.close()


class Bench:
    """The program, its doors, and two of its hosts' sessions."""

    def __init__(self, program: Program, database: Database) -> None:
        self.program = program
        self._database = database
        left = json.loads((program.state / "client.json").read_text())
        token = Path(left["token_file"]).read_text().strip()
        said = {"X-Auth-Token": token}
        self._keys = SessionKeys.from_file(program.state / "gateway.key")
        self._key_of: dict[int, bytes] = {}
        reporter = self._open_session("edge-00001", "sysinv-agent")
        body = _report()
        signed = {
            "Authorization": session.sign(
                body, session=reporter, key=self._key_of[reporter]
            ),
            inventory.HASH_HEADER: inventory.report_hash(body),
        }
        ca_file, gateway_ca = Path(left["ca_file"]), program.state / "pki" / "ca.crt"
        api = Door("api", _port(left["url"]), ca_file)
        fm = Door("fm", _port(left["fm_url"]), ca_file)
        gateway = Door("gateway", program.gateway_port, gateway_ca)
        self.doors: dict[Door, Ask] = {
            api: lambda: api.ask("GET", "/v1/ihosts/edge-00001", None, said),
            fm: lambda: fm.ask("GET", "/v1/alarms", None, said),
            gateway: lambda: gateway.ask("POST", inventory.REPORT_PATH, body, signed),
        }
        self._mine = self._open_session("edge-00002", "mtc-client")
        self._other = self._open_session("edge-00003", "mtc-client")
        self._sequence = 0

    def _open_session(self, name: str, agent: str) -> int:
        """Return the number of a new session."""
        now = datetime.now(UTC)
        with self._database.writer() as connection:
            row = heartbeat.open_session(
                connection,
                host_id=host.find(connection, name).id,
                agent=agent,
                node_uid=str(_BOOT),
                pod_uid=str(_BOOT),
                nonce=new_nonce(),
                expires_at=now + timedelta(hours=6),
            )
            (made,) = heartbeat.find_sessions(connection, [row])
        number = self._keys.number(made)
        self._key_of[number] = self._keys.key(made)
        return number

    # -- connections --------------------------------------------------------------

    def hold_doors(self, silent: int, slow: int, keys: int) -> dict[str, Any]:
        """Return the figures of honest requests, without and under attack."""
        found: dict[str, Any] = {"honest_ms": {}, "attack_cpu": 0.0, "attack_rss_mb": 0}
        for door, ask in self.doors.items():
            found["honest_ms"][door.name] = _times(ask)
        before = len(self.program.log.read_text().splitlines())
        requests = 0
        attacks = {"silent": silent, "drip": slow, "body": slow, "new_keys": keys}
        for kind, count in attacks.items():
            found[f"{kind}_ms"] = {}
            for door, ask in self.doors.items():
                with _attack(kind, door.port, count):
                    cpu, began = self.program.cpu_seconds(), time.monotonic()
                    times = _times(ask)
                    took = time.monotonic() - began
                    share = (self.program.cpu_seconds() - cpu) / took
                found[f"{kind}_ms"][door.name] = times
                found["attack_cpu"] = max(found["attack_cpu"], round(share, 2))
                rss = round(self.program.rss_mb())
                found["attack_rss_mb"] = max(found["attack_rss_mb"], rss)
                requests += HONEST
                _say(f"  {kind} at {door.name}: {times}")
        lines = self.program.log.read_text().splitlines()[before:]
        found["log_lines"] = sum("hummingbird.httpd" in line for line in lines)
        found[f"silent_{silent}_p99_ms"] = _worst(found["silent_ms"])
        found[f"drip_{slow}_p99_ms"] = max(
            _worst(found["drip_ms"]), _worst(found["body_ms"])
        )
        found[f"key_update_{keys}_p99_ms"] = _worst(found["new_keys_ms"])
        return found

    # -- datagrams ----------------------------------------------------------------

    def pour(self, count: int) -> dict[str, Any]:
        """Return what so many datagrams of garbage cost."""
        address = ("127.0.0.1", self.program.gateway_port)
        some = [garbage() for _ in range(10_000)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(address)
            idle = _cpu_share(self.program, 5.0)
            cpu, began = self.program.cpu_seconds(), time.monotonic()
            lost = beats = 0
            for index in range(count):
                wire.send(some[index % len(some)])
                if index % (count // 10) == count // 20:
                    beats += 1
                    lost += not self._beat()
                if index % 50 == 0:
                    time.sleep(0.0002)  # so that they come in and are not dropped
            self._settle()
            took = time.monotonic() - began
            cost = self.program.cpu_seconds() - cpu - idle * took
        return {
            "garbage_1e6_cpu_s": round(cost * 1_000_000 / count, 2),
            "garbage_seconds": round(took, 1),
            "garbage_beats_lost": lost,
            "garbage_beats": beats,
        }

    def forge(self) -> dict[str, Any]:
        """Return how many forged datagrams there were, and how many were taken."""
        key = self._key_of[self._mine]
        assert self._beat(), "an honest beat was not taken"
        good = self._beat_of(self._sequence)
        sent: Counter[str] = Counter()
        acknowledged = 0
        written = self._beats_written()
        for kind, datagram in forgeries(
            good, key=key, other=self._other, other_key=self._key_of[self._other]
        ):
            sent[kind] += 1
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                wire.connect(("127.0.0.1", self.program.gateway_port))
                wire.send(datagram)
                acknowledged += _is_acknowledged(wire, seconds=0.02)
        self._settle()
        return {
            "forged": dict(sent),
            "forged_accepted": acknowledged + self._beats_written() - written,
        }

    def _beat_of(self, sequence: int) -> Beat:
        return Beat(
            session=self._mine,
            sequence=sequence,
            boot_id=_BOOT.bytes,
            uptime_seconds=sequence,
        )

    def _beat(self) -> bool:
        """Send a beat as an agent does; return whether one of five was acknowledged."""
        key = self._key_of[self._mine]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.connect(("127.0.0.1", self.program.gateway_port))
            for _ in range(5):
                self._sequence += 1
                wire.send(seal_beat(self._beat_of(self._sequence), key=key))
                if _is_acknowledged(wire, seconds=1.0):
                    return True
        return False

    def _beats_written(self) -> int:
        """Return how many beats of all hosts the database has, once it is at rest."""
        self._settle()
        with self._database.reader() as connection:
            rows = connection.execute(sql(HEARTBEAT.c.beats)).scalars()
            return sum(rows)

    def _settle(self) -> None:
        """Wait for what was heard to be written: two batches."""
        time.sleep(3.0)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _report() -> bytes:
    lists: dict[str, Any] = {
        name: [] for name in ("icpus", "imemories", "idisks", "ports")
    }
    content = {"schema": inventory.REPORT_SCHEMA, "system": {"hostname": "a"}, **lists}
    return inventory.canonical(content)


def _times(ask: Ask) -> dict[str, float]:
    """Return the middle and the 99th percentile of honest requests, and how many failed."""
    taken: list[float] = []
    failed = 0
    for _ in range(HONEST):
        began = time.perf_counter()
        try:
            ask()
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            _say(f"  an honest request failed: {error}")
            failed += 1
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {
        "p50": round(taken[len(taken) // 2], 1),
        "p99": round(taken[len(taken) * 99 // 100], 1),
        "failed": failed,
    }


def _worst(by_door: dict[str, dict[str, float]]) -> float:
    return max(one["p99"] for one in by_door.values())


@contextmanager
def _attack(kind: str, port: int, count: int) -> Iterator[None]:
    program = Path(__file__).with_name("attack_peers.py")
    words = [sys.executable, str(program), kind, str(port), str(count), str(SOURCES)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        if not select.select([process.stdout], [], [], 120.0)[0]:
            raise RuntimeError(f"{count} {kind} peers could not connect")
        process.stdout.readline()
        yield
    finally:
        process.communicate(timeout=120)


def _is_acknowledged(wire: socket.socket, *, seconds: float) -> bool:
    wire.settimeout(seconds)
    try:
        return head(wire.recv(200)).kind is Kind.ACK
    except (OSError, DatagramInvalid):
        return False


def _cpu_share(program: Program, seconds: float) -> float:
    before = program.cpu_seconds()
    time.sleep(seconds)
    return (program.cpu_seconds() - before) / seconds


def main() -> int:
    """Run the bench; the process's exit status: 1 if an attacker got something."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--silent", type=int, default=5000, help="peers at one time")
    parser.add_argument("--slow", type=int, default=500, help="peers at one time")
    parser.add_argument("--keys", type=int, default=50, help="peers at one time")
    parser.add_argument("--garbage", type=int, default=GARBAGE, help="datagrams")
    parser.add_argument(
        "--only", choices=FURTHER, help="one part alone, of those in modules"
    )
    given = parser.parse_args()
    raise_file_limit()
    found: dict[str, Any] = {"load": [round(os.getloadavg()[0], 1)]}
    with tempfile.TemporaryDirectory(prefix="hummingbird-bench-") as temporary:
        folder = Path(temporary)
        with Program(folder / "up", network=NETWORK) as program:
            database = Database(f"sqlite:///{program.state / 'hummingbird.sqlite'}")
            try:
                for name, part in _parts(program, database, folder, given):
                    found |= _tried(name, part)
            finally:
                database.dispose()
    found["load"].append(round(os.getloadavg()[0], 1))
    print(json.dumps(found))
    held = ("forged_accepted", "host_reads", "secrets_in_clear")
    has_failed = any(name.endswith("_failed") for name in found)
    return int(has_failed or any(found.get(name, 0) for name in held))


def _parts(
    program: Program, database: Database, folder: Path, given: argparse.Namespace
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield what is to be measured, by its name."""
    if given.only is None:
        Fleet(program, database).grow(_HOSTS)
        bench = Bench(program, database)
        yield "doors", partial(bench.hold_doors, given.silent, given.slow, given.keys)
        yield "garbage", partial(bench.pour, given.garbage)
        yield "forgery", bench.forge
    for name in FURTHER if given.only is None else (given.only,):
        module = importlib.import_module(name)
        yield name, partial(module.measure, program, folder)


def _tried(name: str, part: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a part found, told at once: one that fails takes no other's along."""
    try:
        found = part()
    except (AssertionError, OSError, RuntimeError, ValueError) as error:
        found = {f"{name}_failed": f"{type(error).__name__}: {error}"[:300]}
    print(f"  {name}: {json.dumps(found)}", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
