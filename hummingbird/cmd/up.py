# SPDX-License-Identifier: Apache-2.0
"""`hummingbird up`: API, conductor and gateway in one process, for one machine.

The API answers first; the others, whose imports take longer, start beside it. SIGTERM or
SIGINT end all three in order: nothing new is accepted, what is in hand is given back,
what was heard is written. Leaves `client.json` in the state directory, which tells the
command line where the API is and which file has its token.
"""

import importlib
import json
import logging
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from hummingbird import core_dump
from hummingbird.api.http.server import ApiService
from hummingbird.clock import Clock, SystemClock
from hummingbird.cmd import memory
from hummingbird.cmd.advertise import api_certificate
from hummingbird.cmd.bootstrap import (
    open_database,
    setup_logging,
    sysinv_relay,
    wait_for_signal,
)
from hummingbird.cmd.deployment import adopt
from hummingbird.cmd.peers import conductors
from hummingbird.cmd.private_files import keep_private
from hummingbird.cmd.program import program
from hummingbird.conf import Conf, load
from hummingbird.conf.share import state_directory
from hummingbird.db.session import Database
from hummingbird.errors import ConductorUnavailable, HummingbirdError
from hummingbird.httpd.limits import raise_file_limit
from hummingbird.rpc.endpoint import InProcessConductor, is_in_process
from hummingbird.secretbox import SecretBox
from hummingbird.tls import Certificate

LOG = logging.getLogger("hummingbird.cmd.up")

CLIENT_FILE: Final = "client.json"


class _Part(Protocol):
    """One of the three, as `up` ends it."""

    def stop(self) -> None: ...


class Up:
    """The three, in one process."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._clock: Clock = SystemClock()
        self._client: Any = None
        self._conductor: Any = None
        self._parts: list[_Part] = []
        self._database: Database | None = None
        self.url = ""
        self.certificate: Certificate | None = None

    def start(self) -> None:
        """Start all three; return when they are ready.

        :raises HummingbirdError, OSError: one can't start; the others are ended.
        """
        if not is_in_process(self._conf):
            # oslo.messaging imports eventlet where that is installed, and eventlet's
            # import hangs in a process that has threads.
            importlib.import_module("hummingbird.rpc.server")
        self._database = open_database(self._conf, self._clock)
        box = adopt(self._conf, self._database, self._clock)
        api = ApiService(
            self._conf,
            self._database,
            self._clock,
            box,
            self._nudge,
            reconcilers=self._reconcilers,
            sysinv=sysinv_relay(self._conf, self._clock, self._database),
            certificate=lambda: api_certificate(self._conf),
        )
        api.start()
        self._parts.append(api)
        self.url = api.url
        self.certificate = api.certificate
        write_client_file(self._conf, api)
        failures: list[Exception] = []
        started = threading.Semaphore(0)
        starts = (self._start_gateway, lambda: self._start_conductor(box))
        for start in starts:
            threading.Thread(
                target=_keep, args=(start, failures, started), daemon=True
            ).start()
        for _ in starts:
            started.acquire()
        if failures:
            self.stop()
            raise failures[0]

    def stop(self) -> None:
        """End the API, then the conductor, then the gateway."""
        if self._client is not None:
            self._client.close()
        order = {"ApiService": 0, "Conductor": 1, "GatewayService": 2}
        for part in sorted(self._parts, key=lambda p: order[type(p).__name__]):
            part.stop()
        self._parts.clear()
        if self._database is not None:
            self._database.dispose()
        (state_directory(self._conf) / CLIENT_FILE).unlink(missing_ok=True)

    def was_replaced(self) -> bool:
        """Whether another conductor has taken this one's name."""
        return self._conductor is not None and self._conductor.service.ended.is_set()

    def _start_gateway(self) -> None:
        from hummingbird.cmd.gateway import build

        assert self._database is not None
        gateway = build(self._conf, self._database, self._clock)
        gateway.start()
        self._parts.append(gateway)

    def _start_conductor(self, box: SecretBox) -> None:
        from hummingbird.cmd.conductor import Conductor, end_with

        assert self._database is not None
        conductor = Conductor(self._conf, self._database, self._clock, box)
        conductor.start()
        self._parts.append(conductor)
        self._conductor = conductor
        if is_in_process(self._conf):
            self._client = InProcessConductor(
                conductor.service, name=conductor.service.ping()
            )
        else:
            self._client = conductors(self._conf)
        end_with(conductor)

    def _nudge(self, name: str) -> None:
        if self._client is not None:
            self._client.nudge(name)

    def _reconcilers(self) -> Sequence[dict[str, Any]]:
        if self._client is None:
            raise ConductorUnavailable(message="it is starting")
        reports: list[dict[str, Any]] = self._client.reconcilers()
        return reports


def _keep(
    start: Callable[[], None],
    failures: list[Exception],
    started: threading.Semaphore,
) -> None:
    """Call `start`; what it raises belongs to the thread that waits for it."""
    try:
        start()
    except Exception as error:  # noqa: BLE001 - this is a thread's top
        failures.append(error)
    finally:
        started.release()


def write_client_file(conf: Conf, api: ApiService) -> None:
    """Tell the command line where the API is and how to know it; mode 0600, replaced
    whole."""
    path = state_directory(conf) / CLIENT_FILE
    found = {
        "url": api.url,
        "fm_url": api.fm_url,
        "token_file": str(api.token_file),
        "auth_strategy": conf.api.auth_strategy,
    }
    if api.certificate is not None and api.certificate.ca_path is not None:
        found["ca_file"] = str(api.certificate.ca_path.absolute())
    draft = path.with_name(f".{CLIENT_FILE}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(found, stream)
    draft.replace(path)


def certificate_line(certificate: Certificate | None) -> str:
    """Return the line by which a person may know the API again; empty without TLS."""
    if certificate is None:
        return ""
    return f"Certificate: SHA-256 {certificate.readable_fingerprint}\n"


def next_command(conf: Conf) -> str:
    """Return a command that shows the hosts of this server, as a shell takes it: the
    command line looks for a state directory in the usual places alone."""
    state = state_directory(conf)
    named = f" --state-directory {shlex.quote(str(state.absolute()))}"
    return f"{program('hummingbird')}{named if conf.state_directory else ''} host-list"


def run_up(conf: Conf) -> int:
    """Run all three until a signal; return the exit code."""
    began = time.monotonic()
    memory.share_a_heap()
    up = Up(conf)
    try:
        keep_private(conf)
        up.start()
        memory.set_aside_what_is_loaded()
    except (HummingbirdError, OSError) as error:
        LOG.error("Could not start: %s", error)
        return 1
    seconds = time.monotonic() - began
    print(
        f"Hummingbird is ready at {up.url} ({seconds:.1f} s).\n"
        f"{certificate_line(up.certificate)}"
        f"State: {state_directory(conf)}\n"
        f"In another terminal: {next_command(conf)}",
        flush=True,
    )
    wait_for_signal()
    was_replaced = up.was_replaced()
    print("Ending…", flush=True)
    up.stop()
    return 1 if was_replaced else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process; return its exit code."""
    core_dump.forbid()
    words = list(sys.argv[1:] if argv is None else argv)
    conf = load(words, prog="hummingbird up")
    setup_logging(conf)
    raise_file_limit()
    return run_up(conf)


if __name__ == "__main__":
    sys.exit(main())
