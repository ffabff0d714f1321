# SPDX-License-Identifier: Apache-2.0
"""A line of the log is one line, and a terminal shows it."""

import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from hummingbird.cmd.bootstrap import OneLine, setup_logging
from hummingbird.conf import new
from hummingbird.context import CURRENT, RequestContext

POISON = "\x1b]0;owned\x07 \u202eevil\u2069 \x9b31m\r\nINFO forged"


def _line(
    message: str,
    *arguments: object,
    exc_info: object = None,
    level: int = logging.INFO,
) -> str:
    record = logging.LogRecord(
        "hummingbird", level, __file__, 1, message, arguments, exc_info
    )  # type: ignore[arg-type]
    conf = new(
        {"DEFAULT": {"logging_default_format_string": "%(levelname)s %(message)s"}}
    )
    conf([], project="hummingbird", default_config_files=[])
    conf.set_override("logging_exception_prefix", "")
    return str(OneLine(config=conf).format(record))


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


def test_an_error_that_a_line_tells_of_is_told_once() -> None:
    try:
        raise RuntimeError("no key")
    except RuntimeError as error:
        told = _line("Could not start: %s", error, level=logging.ERROR)
        bare = _line("Could not start", level=logging.ERROR)
    assert told == "ERROR Could not start: no key"
    assert bare == "ERROR Could not start: RuntimeError: no key"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """What a process that logs as it is configured says on standard error."""
    root = logging.getLogger()
    former, level, hook = list(root.handlers), root.level, sys.excepthook
    yield lambda: capsys.readouterr().err.splitlines()
    root.handlers[:], sys.excepthook = former, hook
    root.setLevel(level)


def configured(**options: object) -> None:
    conf = new({"DEFAULT": options})
    conf([], project="hummingbird", default_config_files=[])
    setup_logging(conf)


def test_a_line_says_for_whom(lines: Callable[[], list[str]]) -> None:
    configured()
    log = logging.getLogger("hummingbird.test")
    before = CURRENT.set(
        RequestContext(user="mary\x1b[31m", project="services", request_id="req-1")
    )
    log.info("of a request")
    CURRENT.reset(before)
    log.info("of nobody")
    log.debug("of no interest")
    of_a_request, of_nobody = lines()
    assert of_a_request.endswith(
        r" INFO hummingbird.test [req-1 mary\u001b[31m] of a request"
    )
    assert of_nobody.endswith(" INFO hummingbird.test [-] of nobody")


def test_it_is_written_in_the_form_that_the_options_say(
    lines: Callable[[], list[str]],
) -> None:
    configured(
        logging_context_format_string="%(request_id)s %(user_name)s %(message)s",
        debug=True,
    )
    before = CURRENT.set(RequestContext(user="mary", request_id="req-2"))
    logging.getLogger("hummingbird.test").info("it said %s", POISON)
    CURRENT.reset(before)
    (line,) = lines()
    assert line.startswith("req-2 mary it said ")
    assert line.isprintable()


def test_it_is_written_as_json_on_demand(lines: Callable[[], list[str]]) -> None:
    configured(use_json=True)
    before = CURRENT.set(RequestContext(user="mary", request_id="req-3"))
    logging.getLogger("hummingbird.test").info("it said %s", POISON)
    CURRENT.reset(before)
    (line,) = lines()
    assert line.isprintable()
    told = json.loads(line)
    assert told["message"] == f"it said {POISON}"
    assert told["context"]["request_id"] == "req-3"


def test_libraries_say_nothing_at_info(lines: Callable[[], list[str]]) -> None:
    configured(debug=True)
    for name in ("sqlalchemy.engine", "kubernetes.client.rest", "urllib3"):
        logging.getLogger(name).info("SELECT")
    assert lines() == []
