# SPDX-License-Identifier: Apache-2.0
"""Faults on demand, for tests and for `hummingbird-lab fault`.

A link's faults belong to its cable and outlive a power cycle.  A cable is named after
its host; `controller` is the controller's own on the management network, `r1` the
router's there (all of the routed edge network), `r2-lan` the NAT gateway's.
"""

from typing import Any, Protocol


class Ask(Protocol):
    """How a request reaches the lab."""

    def __call__(
        self, *, timeout_s: float = ..., **request: object
    ) -> dict[str, Any]: ...


class Fault:
    """What can be done to a host or to a cable.  Each returns when it is so."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def cut(self, name: str) -> None:
        """Pull the cable: both ends lose the carrier."""
        self._cable(name, connected=False)

    def restore(self, name: str) -> None:
        """Put the cable back; delay and loss stay as they were."""
        self._cable(name, connected=True)

    def loss(self, name: str, percent: float) -> None:
        """Lose this share of the frames, each way."""
        self._cable(name, loss_percent=percent)

    def delay(self, name: str, seconds: float) -> None:
        """Hold each frame up for this long, each way."""
        self._cable(name, delay_s=seconds)

    def clear(self, name: str) -> None:
        """Make the cable whole: connected, no delay, no loss."""
        self._cable(name, connected=True, delay_s=0.0, loss_percent=0.0)

    def freeze(self, host: str) -> None:
        """Make every program of the host hang; its kernel still answers a ping."""
        self._ask(do="freeze", name=host, frozen=True)

    def thaw(self, host: str) -> None:
        """Let a frozen host go on."""
        self._ask(do="freeze", name=host, frozen=False)

    def power_off(self, host: str) -> None:
        """Pull the plug; nothing of the host runs when this returns."""
        self._ask(do="power-off", name=host)

    def power_on(self, host: str) -> None:
        """Plug it in again with the disk it had; returns while it boots."""
        self._ask(do="power-on", name=host)

    def reboot(self, host: str) -> None:
        """Press the button: an orderly reboot; returns at once."""
        self._ask(do="reboot", name=host)

    def _cable(self, name: str, **condition: float) -> None:
        self._ask(do="cable", name=name, condition=condition)
