# SPDX-License-Identifier: Apache-2.0
"""Real services of boards on the loopback: sushy's Redfish emulator over TLS, and
OpenIPMI's simulator. Each has one board, admin with the password secret, its host off."""

import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bcrypt

from hummingbird.adapters.pki.authority import ensure_server_certificate
from hummingbird.clock import SystemClock
from tests.free_port import free_port

USER, PASSWORD = "admin", "secret"
START_SECONDS = 60.0

_EMULATOR = """\
import random, sys
# The emulator lets a host take up to 11 s for what it is told; here none needs long.
random.randint = lambda low, high: 0
from sushy_tools.emulator.main import main
sys.exit(main())
"""

_CHASSIS = """\
#!/bin/sh
# What ipmi_sim asks of a host's chassis: ADDRESS get|set|check WORD [VALUE]...
[ "$1" = 0x20 ] && shift
operation=$1
shift
case $operation in
get) for word; do
         [ "$word" = power ] && echo "power:$(cat {power})" || echo "$word:0"
     done ;;
set) while [ $# -gt 1 ]; do
         case $1 in
         power) echo "$2" >{power} ;;
         shutdown) echo 0 >{power} ;;
         reset) echo 1 >{power} ;;
         esac
         shift 2
     done ;;
esac
"""

_LAN = """\
name "edge"
set_working_mc 0x20
  startlan 1
    addr {listens} {port}
    priv_limit admin
    allowed_auths_admin md5
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
  user 2 true "{user}" "{password}" admin 10 md5
"""

_MCS = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
"""


class RedfishService:
    """The emulator with its fake driver, behind a certificate that nobody knows."""

    def __init__(
        self, folder: Path, *, port: int | None = None, listens: str = "127.0.0.1"
    ) -> None:
        self.port = port or free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = ensure_server_certificate(
            folder / "pki", names=("127.0.0.1",), clock=SystemClock()
        )
        users = folder / "users"
        users.write_text(
            f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n"
        )
        settings = folder / "emulator.conf"
        settings.write_text(
            f"SUSHY_EMULATOR_AUTH_FILE = {str(users)!r}\n"
            f"SUSHY_EMULATOR_STATE_DIR = {str(folder)!r}\n"
        )
        self._log = (folder / "emulator.log").open("wb")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _EMULATOR, "--fake"),
                *("--config", str(settings), "-i", listens, "-p", str(self.port)),
                *("--ssl-certificate", str(self.certificate.cert_path)),
                *("--ssl-key", str(self.certificate.key_path)),
            ],
            stdout=self._log,
            stderr=self._log,
        )
        _await(lambda: _answers(self.port), what=self._said)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def _said(self) -> str:
        return (self.folder / "emulator.log").read_text()


class IpmiService:
    """OpenIPMI's simulator of one board; its chassis is a file."""

    def __init__(self, folder: Path, *, listens: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        power, chassis = folder / "power", folder / "chassis"
        power.write_text("0\n")
        chassis.write_text(_CHASSIS.replace("{power}", str(power)))
        chassis.chmod(chassis.stat().st_mode | stat.S_IXUSR)
        (folder / "lan.conf").write_text(
            _LAN.format(
                listens=listens,
                port=self.port,
                chassis=chassis,
                user=USER,
                password=PASSWORD,
            )
        )
        (folder / "edge.emu").write_text(_MCS)
        (folder / "state").mkdir()
        self._log = (folder / "ipmi_sim.log").open("wb")
        self._process = subprocess.Popen(
            [
                *("ipmi_sim", "-n", "-c", str(folder / "lan.conf")),
                *("-f", str(folder / "edge.emu"), "-s", str(folder / "state")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _await(condition: Callable[[], bool], *, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what())
        time.sleep(0.05)
