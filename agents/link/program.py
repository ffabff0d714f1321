# SPDX-License-Identifier: Apache-2.0
"""What both agents do around their loop: log to standard error, end on SIGTERM.

The first process of a container gets no default action for SIGTERM, so that without a
handler the kubelet would wait half a minute and kill it.
"""

import logging
import signal
import sys
from types import FrameType


class Ended(BaseException):
    """SIGTERM or SIGINT came; no loop catches this by accident."""


def prepare() -> None:
    """Set the log and the signals up."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise Ended
