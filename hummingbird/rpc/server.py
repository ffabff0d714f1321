# SPDX-License-Identifier: Apache-2.0
"""The conductor's side: answer nudges and calls.

Runs in threads of its own. A broker that is away, at the start or later, stops nothing:
the server goes on trying, and the conductor goes on by its periods meanwhile.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import oslo_messaging

from hummingbird.errors import HummingbirdError
from hummingbird.rpc.endpoint import Endpoint
from hummingbird.rpc.fault import pack
from hummingbird.rpc.transport import FAILURES
from hummingbird.rpc.version import RPC_VERSION, TOPIC

LOG = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = 2.0
"""Between two attempts to listen; oslo.messaging waits by itself while it connects."""

_STOP_SECONDS = 5.0
"""What a stop waits for calls under way and for a connection to close."""


class Server:
    """Listens for one conductor from `start` to `stop`; each is called once."""

    def __init__(self, transport: Any, endpoint: Endpoint, *, host: str) -> None:
        self._transport = transport
        self._host = host
        self._dispatched = _Dispatched(endpoint, host)
        self._ended = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="rpc-server", daemon=True
        )

    def start(self) -> None:
        """Begin to listen; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End within seconds, whatever the broker does."""
        self._ended.set()
        # One that is still connecting has nothing to finish; its thread ends with us.
        self._thread.join(_STOP_SECONDS if self._listening.is_set() else 0.1)

    def is_listening(self) -> bool:
        """Tell whether it has got through to the broker."""
        return self._listening.is_set()

    def _run(self) -> None:
        while not self._ended.is_set():
            server = oslo_messaging.get_rpc_server(
                self._transport,
                oslo_messaging.Target(topic=TOPIC, server=self._host),
                endpoints=[self._dispatched],
                executor="threading",
            )
            try:
                server.start()
            except FAILURES as error:
                LOG.warning("Can't listen for calls, will go on trying: %s", error)
                self._ended.wait(_TRY_AGAIN_SECONDS)
                continue
            self._listening.set()
            self._ended.wait()
            self._listening.clear()
            server.stop()
            server.wait()


def make_server(transport: Any, endpoint: Endpoint, host: str) -> Server:
    """Return the server of the conductor called `host`, not yet started."""
    return Server(transport, endpoint, host=host)


class _Dispatched:
    """What oslo.messaging calls: an endpoint whose errors are plain data."""

    target = oslo_messaging.Target(version=RPC_VERSION)

    def __init__(self, endpoint: Endpoint, host: str) -> None:
        self._endpoint = endpoint
        self._host = host

    def nudge(self, _context: dict[str, Any], name: str) -> dict[str, Any]:
        return _told(lambda: self._endpoint.nudge(name))

    def reconcilers(self, _context: dict[str, Any]) -> dict[str, Any]:
        return _told(self._endpoint.reconcilers)

    def ping(self, _context: dict[str, Any]) -> dict[str, Any]:
        return {"result": self._host}


def _told(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"result": call()}
    except HummingbirdError as error:
        return {"error": pack(error)}
    except Exception:  # the edge of a call: its inside is for our log alone
        LOG.exception("A call failed in a way that nobody foresaw")
        return {"error": pack(HummingbirdError())}
