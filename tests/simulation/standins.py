# SPDX-License-Identifier: Apache-2.0
"""What the product and its agents find in place of threads, sockets and neighbours while a
simulation runs.

Every module of theirs is searched for what is to be replaced, by what it is and not by
where it is, so that a file which moves changes nothing here. What a module imports inside
of a function is found because all modules are loaded before.
"""

import concurrent.futures
import importlib
import pkgutil
import queue
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any, Final

import sqlalchemy
import sqlalchemy.pool.impl
import sqlalchemy.util.queue
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

import agents.link.exchange
import hummingbird.gateway.server
from hummingbird.clock import SystemClock
from tests.simulation import http, network, pool, store, threads
from tests.simulation.clock import ProcessClock

PACKAGES: Final = ("hummingbird", "agents", "tests.fakes")
LEFT_OUT: Final = ("hummingbird.cli", "hummingbird.db.migrations", "hummingbird.rpc.")
"""Not loaded: no simulated process uses them."""
_ALSO: Final = (sqlalchemy.util.queue, sqlalchemy.pool.impl)

Table = Mapping[int, tuple[object, object]]
"""id of what is replaced -> itself, and what replaces it."""

TIME: Final[dict[object, object]] = {
    threading: threads.THREADING,
    threading.Event: threads.Event,
    threading.Lock: threads.Lock,
    threading.RLock: threads.rlock,
    threading.Condition: threads.Condition,
    threading.Thread: threads.Thread,
    queue: pool.QUEUE,
    queue.Queue: pool.Queue,
    concurrent.futures.ThreadPoolExecutor: pool.ThreadPoolExecutor,
    time: threads.TIME,
    time.time: threads.wall,
    time.monotonic: threads.monotonic,
    SystemClock: ProcessClock,
    sqlalchemy.create_engine: store.engine_for_process,
}
"""What every module gets."""


def load() -> None:
    """Import every module in which something is to be replaced."""
    for package in ("hummingbird", "agents"):
        top = importlib.import_module(package)
        for found in pkgutil.walk_packages(top.__path__, f"{package}."):
            name = found.name
            if name.endswith("__main__") or name.startswith(LEFT_OUT):
                continue
            importlib.import_module(name)


def _modules() -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGES) and module is not None:
            yield module
    yield from _ALSO


@contextmanager
def in_place(further: Mapping[object, object]) -> Iterator[None]:
    """Replace while the block runs: TIME, sockets, servers, randomness, and `further`."""
    wanted = {**TIME, **further}
    table: Table = {id(old): (old, new) for old, new in wanted.items()}
    undo: list[Callable[[], None]] = []
    try:
        for module in _modules():
            _replace(module, table, undo)
        _put(hummingbird.gateway.server, "socket", network.DATAGRAMS, undo)
        _put(hummingbird.gateway.server, "select", network.SELECT, undo)
        _put(agents.link.exchange, "socket", http.STREAMS, undo)
        _put(agents.link.exchange, "_secured", http.secured, undo)
        _put(SQLiteCompiler, "for_update_clause", store.say_for_update, undo)
        yield
    finally:
        for action in reversed(undo):
            action()


def _replace(module: ModuleType, table: Table, undo: list[Callable[[], None]]) -> None:
    for name, value in list(vars(module).items()):
        found = table.get(id(value))
        if found is not None and found[0] is value:
            # Whoever defines it keeps it: it is what others import that is replaced.
            if getattr(value, "__module__", None) != module.__name__:
                _put(module, name, found[1], undo)
        elif isinstance(value, type) and value.__module__ == module.__name__:
            _replace_bases(value, table, undo)
            if hasattr(value, "__dataclass_fields__"):
                _replace_defaults(value, table, undo)


def _replace_bases(
    found: type[Any], table: Table, undo: list[Callable[[], None]]
) -> None:
    """Replace what a class is derived from."""
    bases = found.__bases__
    new = tuple(table[id(one)][1] if id(one) in table else one for one in bases)
    if new != bases:
        found.__bases__ = new  # type: ignore[assignment]
        undo.append(lambda: setattr(found, "__bases__", bases))


def _replace_defaults(
    found: type[Any], table: Table, undo: list[Callable[[], None]]
) -> None:
    """Replace what a dataclass makes its fields' defaults with."""
    for cell in getattr(found.__init__, "__closure__", None) or ():
        try:
            known = table.get(id(cell.cell_contents))
        except ValueError:
            continue
        if known is None or known[0] is not cell.cell_contents:
            continue
        cell.cell_contents = known[1]
        undo.append(partial(setattr, cell, "cell_contents", known[0]))


def _put(
    where: object, name: str, value: object, undo: list[Callable[[], None]]
) -> None:
    old = getattr(where, name)
    setattr(where, name, value)
    undo.append(lambda: setattr(where, name, old))


@contextmanager
def seeded(seed: str) -> Iterator[None]:
    """Have everything that is drawn by lot be drawn by the seed: ids, secrets, names."""
    source = random.Random(f"{seed}/urandom")  # noqa: S311

    def urandom(size: int) -> bytes:
        return source.randbytes(size)

    undo: list[Callable[[], None]] = []
    try:
        _put(uuid.os, "urandom", urandom, undo)  # type: ignore[attr-defined]
        _put(random, "_urandom", urandom, undo)
        yield
    finally:
        for action in reversed(undo):
            action()


@contextmanager
def programs(module: ModuleType, run: Callable[..., Any]) -> Iterator[None]:
    """Have a module start `run` in place of a program."""
    undo: list[Callable[[], None]] = []

    class _Subprocess:
        DEVNULL = subprocess.DEVNULL
        PIPE = subprocess.PIPE
        TimeoutExpired = subprocess.TimeoutExpired
        CompletedProcess = subprocess.CompletedProcess

    played = _Subprocess()
    played.run = run  # type: ignore[attr-defined]
    try:
        _put(module, "subprocess", played, undo)
        yield
    finally:
        for action in reversed(undo):
            action()
