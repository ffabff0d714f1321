# SPDX-License-Identifier: Apache-2.0
"""Notes when a host is heard, and changes its tunnel's key meanwhile.

The tests and the benches count lost heartbeats with this, so that both count the same.
A beat counts from when the gateway took it in, as the API shows; a lab has one clock.
"""

import itertools
import statistics
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from hummingbird_lab.errors import LabError
from hummingbird_lab.product import Product
from hummingbird_lab.witness import Witness

_DISTANCE_S = 0.2
ROTATED_WITHIN_S = 120.0


class Hearing:
    """Listens to one host for as long as its context lasts."""

    def __init__(self, product: Product, host: str) -> None:
        # Its own connection: the caller goes on asking on his.
        self._product = Product(product.lab, product.directory)
        self._host = host
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=f"hearing-{host}")
        self._offset = time.time() - time.monotonic()
        self.heard: list[float] = []
        """When each beat was taken in, in monotonic seconds."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self._product.close()

    def _listen(self) -> None:
        beats: int | None = None
        while not self._done.is_set():
            answer = self._product.request("GET", f"/v1/heartbeats/{self._host}")
            if answer["status"] == 200:
                last, beats = beats, int(answer["body"]["beats"])
                if last is not None and beats != last:
                    at = datetime.fromisoformat(answer["body"]["last_heard_at"])
                    self.heard.append(at.timestamp() - self._offset)
            self._done.wait(_DISTANCE_S)

    def first_after(self, moment: float) -> float | None:
        """Return when the first beat after `moment` was seen, if one was."""
        return next((one for one in self.heard if one > moment), None)

    @property
    def gaps(self) -> list[float]:
        """The seconds between each beat and the next one."""
        return [after - before for before, after in itertools.pairwise(self.heard)]

    def lost(self, *, period_seconds: float) -> int:
        """Return how many periods had no heartbeat.

        A gap of two periods has lost one; half a period more or less is the period's
        jitter and the beat's way.
        """
        return sum(max(0, round(gap / period_seconds) - 1) for gap in self.gaps)


@dataclass(frozen=True)
class Rotations:
    """What some changes of a key were like."""

    seconds: tuple[float, ...]
    """From each request to the former key's end."""
    public_keys: frozenset[str]
    """All keys that the host had."""
    gaps: tuple[float, ...]
    """Seconds between two heartbeats meanwhile."""
    gaps_beside: tuple[float, ...]
    """Those of a host whose key stayed: what is not the change's own."""
    lost: int
    """Periods without a heartbeat."""

    @property
    def middle(self) -> float:
        """The median of `seconds`."""
        return statistics.median(self.seconds)


def rotate_often(
    product: Product, host: str, *, beside: str, times: int, period_seconds: float
) -> Rotations:
    """Change the key of a host's tunnel, one time after the other, and count heartbeats.

    :param beside: another host, to compare with.
    :raises LabError: a change did not succeed.
    """
    path = f"/v1/tunnels/{host}"
    keys = [str(product.api("GET", path)["public_key"])]
    took = []
    with Hearing(product, host) as hearing, Hearing(product, beside) as other:
        for _ in range(times):
            took.append(_rotate(product, host))
            keys.append(str(product.api("GET", path)["public_key"]))
        # The last change is followed by a whole period, too.
        time.sleep(2 * period_seconds)
    return Rotations(
        seconds=tuple(took),
        public_keys=frozenset(keys),
        gaps=tuple(hearing.gaps),
        gaps_beside=tuple(other.gaps),
        lost=hearing.lost(period_seconds=period_seconds),
    )


def _rotate(product: Product, host: str) -> float:
    witness = Witness(product)
    began = time.monotonic()
    run = product.api("POST", f"/v1/tunnels/{host}/rotate", {})
    witness.wait(
        "rotated",
        lambda: witness.run(run["uuid"])["state"] not in ("queued", "running"),
        timeout_s=ROTATED_WITHIN_S,
    )
    took = time.monotonic() - began
    ended = witness.run(run["uuid"])
    if ended["state"] != "succeeded":
        raise LabError(f"the key of {host} could not be changed: {ended['error']}")
    return took
