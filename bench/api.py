# SPDX-License-Identifier: Apache-2.0
"""What the API costs: its times, its memory, and what of it grows with the fleet.

One `hummingbird up`, as an operator would start it: TLS over loopback, SQLite, then all
of it again on PostgreSQL (without fsync, as SQLite's commits do not wait for the disk
either).  The client is one connection that stays open, in a process of its own on the
same machine.  Times are medians in ms; each is taken in turns with `plain`, the same
client's round trip of as many bytes to the same HTTP server that has them at hand, so
that a busy machine shows.  Prints one JSON line last:

list_1000_ms       GET /v1/ihosts with 1,000 hosts; list_10000_ms with 10,000
get_one_ms         GET /v1/ihosts/{uuid} among 10,000
add_ms             POST /v1/ihosts with an address, among 10,000
concurrent_errors  what went wrong of 100 adds at the same time
start_s            the start of the program to its being ready, with 1,000 hosts
rss_mb             memory (10^6 bytes) of the whole program with 1,000 hosts, after that start,
                   and after the hosts were listed, read and changed
rss_largest_mb     the same with 10,000
absent_look_ms     processor time of one look of those who judge, with 8,000 of 20,000 hosts
                   away and nothing changing; none_absent_look_ms with none away
idle_cpu_percent   of one core, nobody asking, by number of hosts
growth             cost with 10,000 hosts over cost with 100, by operation
plain              plain's times, by the figure that each stands beside
detail             every median, by number of hosts; *_cpu is processor time of the program:
                   heartbeat_cpu of one beat, first_word_cpu of a session's first one
postgresql         the same figures there
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api_absent import AWAY, absent_look_ms
from api_fleet import NETWORK, Fleet, name, new_host
from api_program import Client, Program, median_ms

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.db.session import Database
from tests.postgresql_server import PostgresqlServer

SIZES = (100, 1_000, 10_000)
RESTARTED = 1_000
"""At this size the program is started again, as it runs for most of its life: its first
start makes the database and a certificate."""
AT_ONCE = 100
IDLE_SECONDS = 10.0
BEATS = 2_000


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Bench:
    """One program, measured at each size of its fleet."""

    def __init__(self, program: Program, fleet: Fleet, plain: Client) -> None:
        self._program = program
        self._fleet = fleet
        self._plain = plain
        self._client = program.client()
        self.detail: dict[int, dict[str, float]] = {}
        self.plain: dict[str, float] = {}
        self.found: dict[str, Any] = {"idle_cpu_percent": {}}

    def run(self, sizes: tuple[int, ...], *, count: int) -> dict[str, Any]:
        """Measure everything; return the figures."""
        for size in sizes:
            _say(f"{size} hosts")
            self._fleet.grow(size)
            self.detail[size] = {}
            self._settle()
            if size == RESTARTED:
                self._program.restart()
                self._client = self._program.client()
                self.found["start_s"] = round(self._program.start_seconds, 2)
                self._settle()
            self._idle(size)
            self._operations(size, count=count)
            self._list(size)
            if size == RESTARTED:
                self.found["rss_mb"] = round(self._program.rss_mb(), 1)
        largest = sizes[-1]
        self.found["get_one_ms"] = self.detail[largest]["get"]
        self.found["add_ms"] = self.detail[largest]["add"]
        self.found["concurrent_errors"] = self._add_at_once(largest)
        self.found["rss_largest_mb"] = round(self._program.rss_mb(), 1)
        self.found["growth"] = {
            what: round(ms / self.detail[sizes[0]][what], 2)
            for what, ms in self.detail[largest].items()
            if not what.startswith("list")
        }
        self.found["plain"] = self.plain
        self.found["detail"] = {str(size): of for size, of in self.detail.items()}
        return self.found

    def _settle(self) -> None:
        """Wait until the reconcilers have done what a fleet that grew gives them to do."""
        deadline = time.monotonic() + 120
        quiet = 0
        while quiet < 3 and time.monotonic() < deadline:
            time.sleep(1)
            reports = self._client.get("/v1/reconcilers")["reconcilers"]
            quiet = 0 if any(one["changed"] for one in reports) else quiet + 1

    def _idle(self, size: int) -> None:
        percent = round(statistics.median(self._share() for _ in range(3)), 1)
        self.found["idle_cpu_percent"][str(size)] = percent
        _say(f"  idle: {percent} % of a core")
        for one in self._client.get("/v1/reconcilers")["reconcilers"]:
            _say(f"    {one['name']}: {one['took_seconds'] * 1000:.0f} ms")

    def _share(self) -> float:
        """Return the part of one core that it takes now, in percent."""
        before, began = self._program.cpu_seconds(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        used = self._program.cpu_seconds() - before
        return 100 * used / (time.monotonic() - began)

    def _operations(self, size: int, *, count: int) -> None:
        client, step = self._client, max(1, size // (count + 5))
        uuids = [
            str(client.get(f"/v1/ihosts/{name(1 + index * step % size)}")["uuid"])
            for index in range(min(size, count + 5))
        ]

        def path(index: int) -> str:
            return f"/v1/ihosts/{uuids[index % len(uuids)]}"

        def entity(index: int) -> str:
            host = name(10 * (1 + index % (size // 10)))
            return f"q.field=entity_instance_id&q.op=eq&q.value=host={host}"

        def reserial(index: int) -> object:
            patch = {"op": "replace", "path": "/serialid", "value": f"n{index}"}
            return client.send("PATCH", path(index), [patch])

        extra = iter(range(2 * SIZES[-1] + size, 10**6))
        added: list[int] = []

        def add(_: int) -> object:
            added.append(next(extra))
            return client.send("POST", "/v1/ihosts", new_host(added[-1]))

        def delete(_: int) -> object:
            return client.send("DELETE", f"/v1/ihosts/{name(added.pop())}")

        def lock(index: int) -> object:
            patch = {"op": "replace", "path": "/action", "value": "lock"}
            host = name(size - 9 + index)
            return client.send("PATCH", f"/v1/ihosts/{host}", [patch])

        for what, action in {
            "get": lambda i: client.send("GET", path(i)),
            "sub_collection": lambda i: client.send("GET", path(i) + "/iinterfaces"),
            "heartbeat_of_one": lambda i: client.send(
                "GET", f"/v1/heartbeats/{name(1 + i % size)}"
            ),
            "alarms_of_one": lambda i: client.send("GET", f"/v1/alarms?{entity(i)}"),
            "runs_of_one": lambda i: client.send(
                "GET", f"/v1/runs?host={name(1 + i % size)}"
            ),
            "page_of_20": lambda i: client.send(
                "GET", f"/v1/ihosts?limit=20&marker={uuids[i % len(uuids) // 2]}"
            ),
            "patch": reserial,
            "add": add,
            "delete": delete,
        }.items():
            self._note(size, what, action, count=count)
        self._beats(size)
        self._note(size, "action", lock, count=5, warm=1)

    def _beats(self, size: int) -> None:
        # A session is looked up in the database at its first word to this program: those
        # of the newest hosts have not spoken yet.
        hosts = min(size, BEATS)
        for what, count in (("first_word_cpu", hosts), ("heartbeat_cpu", BEATS)):
            beat = partial(self._fleet.beat, count, newest=hosts)
            used = self._processor(beat, size)
            self._keep(size, what, used / count * 1000)

    def _processor(self, action: Callable[[], object], size: int) -> float:
        """Return the seconds of processor time that the program takes for `action`,
        beside what it takes all the time."""
        before, began = self._program.cpu_seconds(), time.monotonic()
        action()
        used = self._program.cpu_seconds() - before
        idle = float(self.found["idle_cpu_percent"][str(size)]) / 100
        return max(0.0, used - idle * (time.monotonic() - began))

    def _list(self, size: int) -> None:
        used = self._processor(
            lambda: [self._client.send("GET", "/v1/ihosts") for _ in range(9)], size
        )
        self._keep(size, "list_cpu", used / 9 * 1000)
        self._note(
            size,
            "list",
            lambda _: self._client.send("GET", "/v1/ihosts"),
            count=9,
            warm=2,
        )
        if size > SIZES[0]:
            self.found[f"list_{size}_ms"] = self.detail[size]["list"]

    def _note(
        self,
        size: int,
        what: str,
        action: Callable[[int], object],
        *,
        count: int,
        warm: int = 5,
    ) -> None:
        length = 0

        def counted(index: int) -> None:
            nonlocal length
            content = action(index)
            assert isinstance(content, bytes)
            length = len(content)

        ms = median_ms(counted, count, warm=warm)
        plain = median_ms(lambda _: self._plain.send("GET", f"/{length}"), count)
        self.plain[f"{what}_{size}"] = round(plain, 2)
        self._keep(size, what, ms)

    def _keep(self, size: int, what: str, ms: float) -> None:
        self.detail[size][what] = round(ms, 3)
        _say(f"  {what}: {ms:.2f} ms (plain: {self.plain.get(f'{what}_{size}', '-')})")

    def _add_at_once(self, size: int) -> int:
        """Add hosts from as many connections as hosts; return how many failed."""
        first = 4 * SIZES[-1] + size

        def add(index: int) -> int:
            client = self._program.client()
            try:
                client.send("POST", "/v1/ihosts", new_host(first + index))
            except (RuntimeError, OSError) as error:
                _say(f"  an add failed: {error}")
                return 1
            finally:
                client.close()
            return 0

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(add, range(AT_ONCE)))


@contextmanager
def _plain(folder: Path, *, tls: bool) -> Iterator[Client]:
    words = [sys.executable, str(Path(__file__).with_name("plain_server.py"))]
    ca_file = None
    if tls:
        certificate = ensure_server_certificate(folder / "plain", ["127.0.0.1"])
        words += [str(certificate.cert_path), str(certificate.key_path)]
        ca_file = certificate.ca_path
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    scheme, port = "https" if tls else "http", int(process.stdout.readline())
    client = Client(f"{scheme}://127.0.0.1:{port}", ca_file=ca_file)
    try:
        yield client
    finally:
        client.close()
        process.communicate("", timeout=30)


def _absent(folder: Path, server: PostgresqlServer | None) -> dict[str, Any]:
    """Return what a look costs, with hosts away and without."""
    found: dict[str, Any] = {}
    for what, away in (("absent_look_ms", AWAY), ("none_absent_look_ms", 0)):
        place = folder.with_name(f"{folder.name}-{what}")
        url = f"sqlite:///{place}/absent.sqlite"
        if server is not None:
            url = server.url(server.create())
        found[what] = absent_look_ms(place, url, away=away)
        _say(f"{what}: {found[what]} ms")
    return found


def _measure(
    folder: Path, server: PostgresqlServer | None, given: argparse.Namespace
) -> dict[str, Any]:
    absent = _absent(folder, server)
    url = None if server is None else server.url(server.create())
    with Program(folder, network=NETWORK, database_url=url) as program:
        stored = url or f"sqlite:///{program.state / 'hummingbird.sqlite'}"
        database = Database(stored)
        try:
            tls = program.ca_file is not None
            with _plain(folder, tls=tls) as plain:
                bench = Bench(program, Fleet(program, database), plain)
                return absent | bench.run(SIZES[: given.sizes], count=given.count)
        finally:
            database.dispose()


def main() -> int:
    """Run the bench; the process's exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="of each operation")
    parser.add_argument(
        "--sizes", type=int, default=3, help="how many sizes of the fleet"
    )
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hummingbird-bench-") as temporary:
        folder = Path(temporary)
        if given.only != "postgresql":
            _say("SQLite")
            found = _measure(folder / "sqlite", None, given)
        if given.only != "sqlite":
            _say("PostgreSQL")
            server = PostgresqlServer()
            try:
                found["postgresql"] = _measure(folder / "postgresql", server, given)
            finally:
                server.stop()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
