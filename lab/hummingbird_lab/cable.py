# SPDX-License-Identifier: Apache-2.0
"""A cable between a machine's network namespace and a switch, and what ails it.

A cable is a veth pair whose switch's end is `p-NAME`.  It keeps its faults over a
power cycle, as a bad cable does: `plug` makes namespace and link anew and puts the
faults back.  A host's namespace must be new at every start, or its bridges, tunnels
and rules would survive a power cut.

Delay and loss need a program in the middle, for want of the kernel's netem: see
`hummingbird_lab.wire`.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError
from hummingbird_lab.sandbox import within


@dataclass(frozen=True)
class Condition:
    """What is wrong with a cable: nothing, by default."""

    connected: bool = True
    delay_s: float = 0.0
    loss_percent: float = 0.0

    @property
    def needs_wire(self) -> bool:
        """Whether frames must pass through the program that holds them up."""
        return bool(self.delay_s or self.loss_percent)


class Cable:
    """One cable.  Safe to use from several threads."""

    def __init__(
        self, name: str, *, owner: str, device: str, switch: str, mac: str | None = None
    ) -> None:
        self.name = name
        self.owner = owner
        self.device = device
        self.switch = switch
        self.mac = mac
        self.condition = Condition()
        self._wire: subprocess.Popen[bytes] | None = None
        self._plugged = False
        self._lock = threading.Lock()

    @property
    def _port(self) -> str:
        return f"p-{self.name}"

    def plug(self, *, addresses: Sequence[str] = ()) -> None:
        """Connect the owner's namespace, which exists, to the switch."""
        with self._lock:
            switch = ["ip", "-n", self.switch, "link"]
            run(
                [
                    *switch,
                    "add",
                    self._port,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    self.device,
                    "netns",
                    self.owner,
                ]
            )
            run([*switch, "set", self._port, "master", "br0", "up"])
            owner = ["ip", "-n", self.owner]
            mac = ["address", self.mac] if self.mac else []
            run([*owner, "link", "set", self.device, *mac, "up"])
            for address in addresses:
                # Nobody else has it: no need to ask around for a second first.
                rest = ["nodad"] if ":" in address else []
                run([*owner, "address", "add", address, "dev", self.device, *rest])
            self._plugged = True
            self._apply()

    def unplug(self) -> None:
        """Take both ends away; the condition stays for the next `plug`."""
        with self._lock:
            self._stop_wire()
            run(["ip", "-n", self.switch, "link", "del", self._port], check=False)
            self._plugged = False

    def set(
        self,
        *,
        connected: bool | None = None,
        delay_s: float | None = None,
        loss_percent: float | None = None,
    ) -> None:
        """Change what is named of the condition, now and for later plugs.

        :raises LabError: a delay outside 0 to 30 s or a loss outside 0 to 100 %.
        """
        if delay_s is not None and not 0 <= delay_s <= 30:
            raise LabError(f"a delay is 0 to 30 seconds, not {delay_s:g}")
        if loss_percent is not None and not 0 <= loss_percent <= 100:
            raise LabError(f"a loss is 0 to 100 percent, not {loss_percent:g}")
        with self._lock:
            old = self.condition
            self.condition = replace(
                old,
                connected=old.connected if connected is None else connected,
                delay_s=old.delay_s if delay_s is None else delay_s,
                loss_percent=old.loss_percent if loss_percent is None else loss_percent,
            )
            if self._plugged and self.condition != old:
                self._apply()

    def _apply(self) -> None:
        self._stop_wire()
        link = ["ip", "-n", self.switch, "link", "set", self._port]
        if self.condition.needs_wire:
            run([*link, "nomaster"])
            self._start_wire()
        else:
            run([*link, "master", "br0"])
        run([*link, "up" if self.condition.connected else "down"])

    def _offload(self, *, on: bool) -> None:
        """Let the owner's end leave work to a network card, or not.

        A program that forwards by hand must see real frames: no segments left to cut
        and no checksum left to fill in.
        """
        argv = ["ethtool", "-K", self.device]
        for feature in ("tx", "sg", "tso", "gso"):
            argv += [feature, "on" if on else "off"]
        run(within(self.owner, argv))

    def _start_wire(self) -> None:
        self._offload(on=False)
        program = Path(__file__).with_name("wire.py")
        self._wire = subprocess.Popen(
            within(
                self.switch,
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(program),
                    "--port",
                    self._port,
                    "--tap",
                    f"w-{self.name}",
                    "--delay",
                    str(self.condition.delay_s),
                    "--loss",
                    str(self.condition.loss_percent / 100),
                ],
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._wire.stdout is not None
        if self._wire.stdout.readline() != b"ready\n":
            raise LabError(f"the wire of {self.name} did not start")

    def _stop_wire(self) -> None:
        if self._wire:
            self._wire.kill()
            self._wire.wait()
            if self._wire.stdout:
                self._wire.stdout.close()
            self._wire = None
            self._offload(on=True)
