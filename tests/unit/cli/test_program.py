# SPDX-License-Identifier: Apache-2.0
"""The program as a whole: its statuses, its help, its start, its completion."""

import argparse
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from hummingbird.cli.alarm import concerns
from hummingbird.cli.app import HummingbirdApp
from hummingbird.cli.command import Described
from tests.unit.cli.conftest import Run, Server

COMMANDS = sorted(entry_points(group="hummingbird.cli"), key=lambda point: point.name)


def _parser(name: str) -> argparse.ArgumentParser:
    app = HummingbirdApp()
    command = next(point for point in COMMANDS if point.name == name).load()
    parser: argparse.ArgumentParser = command(app, None).get_parser(
        f"hummingbird {name}"
    )
    return parser


def test_not_understood_is_2(hummingbird: Run) -> None:
    assert hummingbird().status == 2
    assert hummingbird("no-such-command").status == 2
    assert hummingbird("host-add").status == 2


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_every_command_has_a_sentence_and_an_example_that_parses(point: object) -> None:
    name = point.name  # type: ignore[attr-defined]
    command = point.load()  # type: ignore[attr-defined]
    assert issubclass(command, Described)
    assert (command.__doc__ or "").strip().splitlines()[0].rstrip().endswith((".", ","))
    assert command.examples
    parser = _parser(name)
    assert "examples:\n  " in parser.format_help()
    for example in command.examples:
        words = re.split(" [<>] ", example.split("hummingbird ", 1)[1])[0].split()
        if "'" in example:
            continue  # quoted for a shell
        assert words[0] == name
        parser.parse_args(words[1:])


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_no_option_takes_a_secret(point: object) -> None:
    parser = _parser(point.name)  # type: ignore[attr-defined]
    for action in parser._actions:
        for option in action.option_strings:
            if "password" in option or "token" in option or "secret" in option:
                assert action.nargs == 0, f"{option} would put a secret into argv"


def test_help_does_not_wait_for_what_it_does_not_need() -> None:
    script = (
        "import sys\n"
        "from hummingbird.cli.app import main\n"
        "try:\n"
        "    main(['host-list', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'kubernetes', 'requests', 'oslo_config', 'sqlalchemy', 'pecan',"
        " 'cmd2', 'ansible_runner'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: hummingbird host-list" in done.stdout


def test_completion_is_a_script_that_bash_understands_and_that_completes(
    hummingbird: Run, tmp_path: Path
) -> None:
    script = tmp_path / "completion"
    script.write_text(hummingbird("complete").out)
    question = (
        f". {script}\n"
        "COMP_WORDS=(hummingbird host-); COMP_CWORD=1\n"
        "_hummingbird hummingbird host- hummingbird; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(hummingbird host-unlock --); COMP_CWORD=2\n"
        "_hummingbird hummingbird -- host-unlock; echo ${COMPREPLY[@]}\n"
    )
    # What a shell with the package bash-completion has already.
    prelude = (
        "_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]};"
        " prev=${COMP_WORDS[COMP_CWORD-1]}; words=(${COMP_WORDS[@]}); }\n"
    )
    done = subprocess.run(
        ["bash", "-c", prelude + question], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    names, options = done.stdout.splitlines()
    assert {"host-add", "host-list", "host-unlock"} <= set(names.split())
    assert "--wait" in options.split()


def test_alarms_of_a_host_are_not_those_of_one_whose_name_begins_alike() -> None:
    assert concerns({"entity_instance_id": "host=edge-1"}, host="edge-1")
    assert concerns({"entity_instance_id": "host=edge-1.command=unlock"}, host="edge-1")
    assert not concerns({"entity_instance_id": "host=edge-10"}, host="edge-1")
    assert concerns({"entity_instance_id": "site=x"}, host=None)


def test_events_are_asked_for_by_number(hummingbird: Run, server: Server) -> None:
    event = {
        "timestamp": "2026-11-24T10:00:00",
        "state": "set",
        "event_log_id": "200.005",
        "reason_text": "edge-1 is experiencing …",
        "entity_instance_id": "host=edge-1",
        "severity": "critical",
    }
    server.on("GET", "/v1/event_log", {"event_log": [event]})
    done = hummingbird("event-list", "--limit", "5", "--host", "edge-1")
    assert "200.005" in done.out
    assert server.asked[0].query == {"limit": "5"}
