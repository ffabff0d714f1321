# SPDX-License-Identifier: Apache-2.0
"""A line of the log is one line, and a terminal shows it."""

import logging
import sys

from hummingbird.cmd.bootstrap import OneLine

POISON = "\x1b]0;owned\x07 \u202eevil\u2069 \x9b31m\r\nINFO forged"


def _line(message: str, *arguments: object, exc_info: object = None) -> str:
    record = logging.LogRecord(
        "hummingbird", logging.INFO, __file__, 1, message, arguments, exc_info
    )  # type: ignore[arg-type]
    return OneLine("%(levelname)s %(message)s").format(record)


def test_what_a_host_said_is_shown_and_not_obeyed() -> None:
    line = _line("it said %s", POISON)
    assert line.isprintable()
    assert line == (
        r"INFO it said \u001b]0;owned\u0007 \u202eevil\u2069 \u009b31m\r\nINFO forged"
    )


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    try:
        raise ValueError(POISON)
    except ValueError:
        lines = _line("it failed", exc_info=sys.exc_info()).split("\n")
    assert lines[0] == "INFO it failed"
    assert len(lines) > 3
    assert all(line.isprintable() for line in lines)
