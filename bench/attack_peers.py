# SPDX-License-Identifier: Apache-2.0
"""Peers that mean no good, from many addresses of the loopback: silent ones and slow ones.

    attack_peers.py {silent,drip,body,new_keys} PORT COUNT SOURCES

`silent` connects and says nothing; `drip` shakes hands and sends a byte of a header each
three seconds; `body` does so with the body of a request; `new_keys` asks for new keys (TLS
1.3) as fast as it can. Who is sent away comes again, as an attacker does. Prints "ready"
when all have been connected once, runs until its standard input ends, then prints how many
connections it made.
"""

import contextlib
import resource
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.tls_records import Client

_CONNECT_SECONDS: Final = 30.0
_DRIP_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.001
_NEW_KEYS: Final = 40
"""Times that a peer asks for new keys in one breath."""
_BEGINNINGS: Final = {
    "drip": b"GET /v1/ihosts HTTP/1.1\r\nHost: a\r\nX-Padding: ",
    "body": (
        b"POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: 8000\r\n\r\n"
    ),
}


class Peers:
    """So many connections to one port, kept up."""

    def __init__(self, kind: str, port: int, count: int, sources: int) -> None:
        self._kind = kind
        self._port = port
        self._count = count
        self._addresses = [f"127.0.0.{2 + index}" for index in range(sources)]
        self._ending = threading.Event()
        self.made = 0
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE

    def end(self) -> None:
        """Connect no more."""
        self._ending.set()

    def run(self, ready: Callable[[], None]) -> None:
        """Attack until `end`; say `ready` when all are there."""
        kinds = {"silent": self._be_silent, "new_keys": self._ask_for_new_keys}
        kinds.get(self._kind, self._drip)(ready)

    def _connect(self, index: int) -> socket.socket | None:
        link = socket.socket()
        link.settimeout(_CONNECT_SECONDS)
        try:
            link.bind((self._addresses[index % len(self._addresses)], 0))
            link.connect(("127.0.0.1", self._port))
        except OSError:
            link.close()
            return None
        self.made += 1
        return link

    def _be_silent(self, ready: Callable[[], None]) -> None:
        watched = select.epoll()
        open_now: dict[int, tuple[int, socket.socket]] = {}
        missing = list(range(self._count))
        is_ready = False
        while not self._ending.is_set():
            for index in missing[:200]:
                link = self._connect(index)
                if link is not None:
                    open_now[link.fileno()] = (index, link)
                    watched.register(link, select.EPOLLIN | select.EPOLLRDHUP)
                    missing.remove(index)
            if not is_ready and self.made >= self._count:
                is_ready = True
                ready()
            for number, _event in watched.poll(0.05):
                index, link = open_now.pop(number)
                watched.unregister(number)
                link.close()
                missing.append(index)

    def _ask_for_new_keys(self, ready: Callable[[], None]) -> None:
        links: list[Client | None] = [None] * self._count
        while not self._ending.is_set():
            for index, link in enumerate(links):
                if self._ending.is_set():
                    return
                links[index] = self._keys_once_more(link, index)
            if self.made >= self._count:
                ready()

    def _keys_once_more(self, link: Client | None, index: int) -> Client | None:
        try:
            if link is not None and _is_over(link.plug, also_heard=False):
                link.close()
                link = None
            if link is None:
                address = self._addresses[index % len(self._addresses)]
                link = Client(self._port, address=address)
                self.made += 1
            link.say(*(link.new_keys() for _ in range(_NEW_KEYS)))
        except OSError:
            if link is not None:
                link.close()
            return None
        return link

    def _drip(self, ready: Callable[[], None]) -> None:
        links: list[socket.socket | None] = [None] * self._count
        while not self._ending.is_set():
            began = time.monotonic()
            for index, link in enumerate(links):
                if self._ending.is_set():
                    return
                links[index] = self._one_more(link, index)
                time.sleep(_PAUSE_SECONDS)
            if self.made >= self._count:
                ready()
            self._ending.wait(max(0.0, _DRIP_SECONDS - (time.monotonic() - began)))

    def _one_more(self, link: socket.socket | None, index: int) -> socket.socket | None:
        if link is not None:
            with contextlib.suppress(OSError):
                if not _is_over(link):
                    link.send(b"x")
                    return link
            link.close()
        fresh = self._connect(index)
        if fresh is None:
            return None
        try:
            fresh = self._context.wrap_socket(fresh)
            fresh.sendall(_BEGINNINGS[self._kind])
        except OSError:
            fresh.close()
            return None
        return fresh


def _is_over(link: socket.socket, *, also_heard: bool = True) -> bool:
    """Return whether the server has closed, or said something."""
    poll = select.poll()
    poll.register(link, select.POLLRDHUP | (select.POLLIN if also_heard else 0))
    return bool(poll.poll(0))


def main() -> int:
    """Attack until standard input ends; the process's exit status."""
    kind, port, count, sources = sys.argv[1], *(int(word) for word in sys.argv[2:5])
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    peers = Peers(kind, port, count, sources)
    said: list[bool] = []

    def ready() -> None:
        if not said:
            said.append(True)
            print("ready", flush=True)

    thread = threading.Thread(target=peers.run, args=(ready,))
    thread.start()
    sys.stdin.read()
    peers.end()
    thread.join()
    print(peers.made, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
