# SPDX-License-Identifier: Apache-2.0
"""Whoever opens a connection, or has a program do it, does so within a deadline and a bound.

The tables name every place that may; a new one comes here with its reason, and is seen.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

BOUND: Final = "hummingbird.adapters.bounded"

SOCKETS: Final = {
    "hummingbird/adapters/bounded/exchange.py": "the bound itself",
    "hummingbird/adapters/netlink/wireguard_go.py": "a socket of a file, of our own root",
    "hummingbird/gateway/server.py": "it listens for datagrams",
    "hummingbird/httpd/server.py": "it listens",
    "agents/link/exchange.py": "a deadline and a bound of its own, standard library alone",
    "agents/link/datagram.py": "datagrams, one read each",
    "agents/sysinv_agent/address.py": "the host's own kernel",
    "agents/sysinv_agent/lldp.py": "frames of the host's own link, one read each",
    "agents/sysinv_agent/watch.py": "the host's own kernel",
}
"""Files that make sockets."""

HTTP: Final = {
    "hummingbird/adapters/bounded/http.py": "the bound itself",
    "hummingbird/cli/client.py": "a person waits, of whom it is the own server",
    "hummingbird/adapters/sysinv/relay.py": "pieces pass through and none is kept; each "
    "read has a time-out, and so many requests at most are under way",
}
"""Files that use a client of HTTP."""

BOUNDED: Final = {
    "hummingbird/adapters/bmc/redfish.py",
    "hummingbird/adapters/bmc/ipmi.py",
    "hummingbird/adapters/path/look.py",
    "hummingbird/adapters/ssh/probe.py",
    "hummingbird/adapters/fm/fault_manager.py",
    "hummingbird/adapters/keystone/service_user.py",
    "hummingbird/adapters/kubernetes/connection.py",
}
"""Files that ask others, by the bound."""

_SOCKETS: Final = {"socket.socket", "socket.create_connection", "socket.socketpair"}
_CLIENTS: Final = {
    *("requests", "urllib3", "httpcore", "httpx", "aiohttp", "paramiko", "sushy"),
    *("http.client", "urllib.request", "ftplib", "smtplib", "telnetlib"),
}
_POOLS: Final = {
    "ThreadPoolExecutor",
    "futures.ThreadPoolExecutor",
    "ProcessPoolExecutor",
}


def calls(folder: str) -> Iterator[tuple[str, str, ast.Call]]:
    """Yield each call: its file, what is called, the call."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node


def places(names: set[str]) -> set[str]:
    return {
        file
        for folder in ("hummingbird", "agents")
        for file, name, _ in calls(folder)
        if name in names
    }


def test_sockets_are_made_in_known_places_alone() -> None:
    assert places(_SOCKETS) <= set(SOCKETS)


def test_http_clients_are_used_in_known_places_alone() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("hummingbird", "agents")
        for path in (ROOT / folder).rglob("*.py")
        if imported(path) & _CLIENTS
    }
    assert found <= set(HTTP) | BOUNDED


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, and the packages that they are of."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{n.name}" for n in node.names)}
    return names | {name.split(".")[0] for name in names}


def test_who_asks_others_does_it_by_the_bound() -> None:
    for file in BOUNDED:
        assert BOUND in (ROOT / file).read_text(), file


def test_no_pool_waits_for_its_slowest() -> None:
    """And none is waited for when the process ends; see reconcilers/asking.py."""
    assert places(_POOLS) == set()


def test_each_program_has_a_time_out() -> None:
    without = {
        file
        for folder in ("hummingbird", "agents")
        for file, name, call in calls(folder)
        if name in ("subprocess.run", "subprocess.check_output", "subprocess.call")
        and not any(word.arg == "timeout" for word in call.keywords)
    }
    assert without == set()
