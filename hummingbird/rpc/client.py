# SPDX-License-Identifier: Apache-2.0
"""The API's side: nudge the conductors, ask one of them.

A nudge returns at once and never fails: a thread of its own sends it, and what can't be
sent is dropped, because conductors look into the database on a period anyway. A call
waits for its answer, but never longer than its time: with its broker away,
oslo.messaging itself would wait for ever (it opens the way for answers without a limit),
so each call is made in a thread that can be left behind. A few of those at most.
"""

import logging
import queue
import threading
from typing import Any

import oslo_messaging

from hummingbird.errors import ConductorUnavailable, HummingbirdError
from hummingbird.rpc.fault import rebuild
from hummingbird.rpc.transport import FAILURES
from hummingbird.rpc.version import RPC_VERSION, TOPIC

LOG = logging.getLogger(__name__)

_SEND_TRIES_AGAIN = 1
"""Tries after the first, about a second later: enough for one that reconnects."""

_CALLS_AT_ONCE = 8
"""Threads that a broker which is away can hold; more calls are refused at once."""


class ConductorClient:
    """Speaks to whichever conductors there are. Safe to use from many threads."""

    def __init__(self, transport: Any, *, timeout_seconds: float = 5.0) -> None:
        self._timeout_seconds = timeout_seconds
        self._client = oslo_messaging.get_rpc_client(
            transport,
            oslo_messaging.Target(topic=TOPIC, version=RPC_VERSION),
            timeout=timeout_seconds,
            retry=_SEND_TRIES_AGAIN,
        )
        self._calls = threading.BoundedSemaphore(_CALLS_AT_ONCE)
        self._wanted = threading.Condition()
        self._pending: set[str] = set()
        self._sender: threading.Thread | None = None
        self._closed = False
        self._reached = True

    def nudge(self, name: str = "run") -> None:
        """Let every conductor look at `name` soon: a reconciler, or "run" for runs.

        Returns at once; several nudges of one name may arrive as one, or get lost.
        """
        with self._wanted:
            if self._closed:
                return
            self._pending.add(name)
            if self._sender is None:
                self._sender = threading.Thread(
                    target=self._send_pending, name="rpc-nudge", daemon=True
                )
                self._sender.start()
            self._wanted.notify()

    def reconcilers(self, leader: str | None = None) -> list[dict[str, Any]]:
        """Return the last report of each reconciler of one conductor.

        :param leader: the one that is asked first; None: whichever answers.
        :raises ConductorUnavailable: none answers in time.
        """
        if leader is not None:
            try:
                return list(self._call("reconcilers", server=leader))
            except ConductorUnavailable as error:
                LOG.debug("The conductor that acts for the fleet is silent: %s", error)
        return list(self._call("reconcilers"))

    def ping(self) -> str:
        """Return the name of a conductor that answers.

        :raises ConductorUnavailable: none does in time.
        """
        return str(self._call("ping"))

    def close(self) -> None:
        """Send no more nudges."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()

    def _send_pending(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._pending or self._closed)
                if self._closed:
                    return
                name = self._pending.pop()
            try:
                self._cast(name)
            except Exception:
                LOG.exception("Could not nudge the conductors")

    def _cast(self, name: str) -> None:
        try:
            # To all: any of them may have a free worker.
            self._client.prepare(fanout=True).cast({}, "nudge", name=name)
            if not self._reached:
                LOG.info("Conductors can be nudged again")
            self._reached = True
        except FAILURES as error:
            # Said once: what is asked for happens all the same, a little later.
            log = LOG.warning if self._reached else LOG.debug
            log(
                "Could not nudge the conductors, they will look by themselves: %s",
                error,
            )
            self._reached = False

    def _call(self, method: str, *, server: str | None = None) -> Any:
        if not self._calls.acquire(blocking=False):
            raise ConductorUnavailable(message="too many calls wait for an answer")
        outcome: queue.SimpleQueue[dict[str, Any] | HummingbirdError]
        outcome = queue.SimpleQueue()
        threading.Thread(
            target=self._answer,
            args=(method, outcome, server),
            name="rpc-call",
            daemon=True,
        ).start()
        try:
            answer = outcome.get(timeout=self._timeout_seconds)
        except queue.Empty:
            raise self._late() from None
        if isinstance(answer, HummingbirdError):
            raise answer
        return answer["result"]

    def _answer(
        self,
        method: str,
        outcome: "queue.SimpleQueue[dict[str, Any] | HummingbirdError]",
        server: str | None,
    ) -> None:
        try:
            client = (
                self._client if server is None else self._client.prepare(server=server)
            )
            said = client.call({}, method)
            outcome.put(rebuild(said["error"]) if "error" in said else said)
        except oslo_messaging.MessagingTimeout:
            outcome.put(self._late())
        except FAILURES as error:
            outcome.put(ConductorUnavailable(message=str(error)))
        except Exception:  # a thread's top: somebody waits for what it has to say
            LOG.exception("A call of %s failed in a way that nobody foresaw", method)
            outcome.put(HummingbirdError())
        finally:
            self._calls.release()

    def _late(self) -> ConductorUnavailable:
        return ConductorUnavailable(
            message=f"nothing was heard for {self._timeout_seconds:g} seconds"
        )
