# SPDX-License-Identifier: Apache-2.0
"""Boards that speak IPMI 2.0 only, by the program ipmitool.

The password goes to it through a pipe: arguments are shown to everybody on the machine, and
an environment to whoever can read this process. IPMI proves the
password by a hash that anybody in between can guess at, and nobody vouches for the board:
where a board speaks Redfish, use that.
"""

import os
from collections.abc import Sequence
from typing import Final

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.adapters.bounded import child
from hummingbird.errors import BoardRefused, BoardUnavailable

TRIES: Final = 2
MESSAGE_MAX: Final = 200
SAYS_BYTES: Final = 64 * 1024
"""Of ipmitool; it says a line."""

_ORDERS: Final = {
    Order.ON: "on",
    Order.SHUTDOWN: "soft",
    Order.OFF: "off",
    Order.RESET: "reset",
}
_POWER: Final = {"chassis power is on": Power.ON, "chassis power is off": Power.OFF}
_REFUSALS: Final = (
    "rakp 2",  # the password is wrong (IPMI 2.0, section 13.31)
    "unauthorized name",
    "insufficient privilege",
    "invalid user name",
    "invalid data field",
    "command not supported",
    "parameter out of range",
)
"""What ipmitool says where asking again would not help."""


class IpmiBoards:
    """Boards behind RMCP+ (UDP port 623)."""

    def __init__(
        self,
        *,
        program: str,
        port: int,
        timeout_seconds: float,
        cipher_suite: int | None,
    ) -> None:
        """
        :param program: name or path of ipmitool.
        :param cipher_suite: of IPMI 2.0, table 22-20; None: each board is asked.
        """
        self._program = program
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._cipher_suite = cipher_suite

    def fingerprint(self, access: BoardAccess) -> str | None:
        """Return None: there are no certificates."""
        return None

    def power(self, access: BoardAccess) -> Power:
        """Return the power's state; see Boards."""
        said = self._ask(access, ("chassis", "power", "status"))
        return _POWER.get(said.strip().lower(), Power.CHANGING)

    def order(self, access: BoardAccess, order: Order) -> None:
        """Tell the board; see Boards."""
        self._ask(access, ("chassis", "power", _ORDERS[order]))

    def _ask(self, access: BoardAccess, words: Sequence[str]) -> str:
        each = max(1, round(self._timeout_seconds / TRIES))
        given = _pipe(access.password)
        argv = [
            *(self._program, "-I", "lanplus", "-H", access.address),
            *("-p", str(self._port), "-U", access.user, "-f", f"/dev/fd/{given}"),
            *(() if self._cipher_suite is None else ("-C", str(self._cipher_suite))),
            *("-N", str(each), "-R", str(TRIES), *words),
        ]
        try:
            done = child.run(
                argv,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                pass_fds=(given,),
                # A session is opened with several questions, each tried so often.
                seconds=self._timeout_seconds * 4,
                most_bytes=SAYS_BYTES,
            )
        except FileNotFoundError as error:
            raise BoardRefused(
                hostname=access.hostname,
                address=access.address,
                message=(
                    f"the program {self._program} is not installed where the conductor "
                    "runs (Debian: apt install ipmitool)"
                ),
            ) from error
        except child.ChildLate as error:
            raise _unavailable(access, str(error)) from error
        finally:
            os.close(given)
        if done.returncode == 0:
            return done.stdout
        said = " ".join(access.hide(done.stderr or done.stdout).split())[:MESSAGE_MAX]
        if any(word in said.lower() for word in _REFUSALS):
            raise BoardRefused(
                hostname=access.hostname, address=access.address, message=said
            )
        raise _unavailable(access, said)


def _pipe(text: str) -> int:
    """Return the end of a pipe from which `text` is read, as a line; to be closed."""
    end, beginning = os.pipe()
    with os.fdopen(beginning, "wb") as stream:
        # A pipe takes 4096 bytes at once (POSIX, PIPE_BUF on Linux); a password has fewer.
        stream.write(text.encode() + b"\n")
    return end


def _unavailable(access: BoardAccess, message: str) -> BoardUnavailable:
    return BoardUnavailable(
        hostname=access.hostname, address=access.address, message=message
    )
