# SPDX-License-Identifier: Apache-2.0
"""What a host says is taken in up to a bound, and printed without what a terminal obeys."""

import json
import os
import selectors
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbird.adapters.ansible import bound

POUR = "import os\nwhile True: os.write({0}, b'x' * 65536)"


def read(meter: bound.Meter, program: str) -> tuple[bytes, int]:
    """Read a program's output as Ansible's plugin does; return it and how it ended."""
    meter.begin()
    process = bound.popen(meter)(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    found = b""
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(60):
                chunk = key.fileobj.read()  # type: ignore[union-attr]
                found += chunk
                if not chunk:
                    selector.unregister(key.fileobj)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    return found, process.wait(60)


@pytest.mark.parametrize("descriptor", [1, 2])
def test_who_says_too_much_is_killed_and_no_more_is_read(descriptor: int) -> None:
    meter = bound.Meter(command_bytes=100_000)
    said, status = read(meter, POUR.format(descriptor))
    assert status < 0
    assert 100_000 < len(said) <= 100_000 + 2 * 65_536
    assert meter.is_over()
    assert "more than 100000 bytes at once" in meter.sentence()


def test_what_is_within_the_bound_comes_whole() -> None:
    meter = bound.Meter()
    said, status = read(
        meter, "import sys\nprint('a' * 200000); print('b', file=sys.stderr)"
    )
    assert (len(said), status) == (200_003, 0)
    assert not meter.is_over()


def test_all_commands_of_a_run_are_bounded_together_over_its_processes() -> None:
    meter = bound.Meter(command_bytes=1000, run_bytes=1500)
    for _ in range(2):
        child = os.fork()
        if child == 0:
            meter.begin()
            meter.take(800)
            os._exit(0)
        os.waitpid(child, 0)
    assert meter.taken == 1600
    assert meter.is_over()
    assert "in this run" in meter.sentence()


def test_ssh_itself_is_heard_out() -> None:
    meter = bound.Meter(command_bytes=10)
    process = bound.popen(meter)(
        [sys.executable, "-c", "print('x' * 1000)"], stdout=subprocess.PIPE
    )
    assert len(process.communicate()[0]) == 1001


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", None),
        (nested(bound.DEPTH), None),
        (nested(bound.DEPTH + 1), "nested deeper"),
        (b"[" * 1_000_000, "nested deeper"),
        (b'{"a":' * 1_000, "nested deeper"),
        (b"[" + b"[]," * 1000 + b"1]", None),
        (b"[" + b"1," * bound.PARTS + b"1]", "parts"),
        (b'{"a": "' + b"[{,," * 100_000 + b'"}', None),
        (b'{"a": "\\"' + b"[{,," * 100_000 + b'\\""}', None),
        (b'"' * 1_000_001, None),
        (b'"\\' * 500_000, None),
    ],
)
def test_an_answer_is_refused_for_its_shape(answer: bytes, why: str | None) -> None:
    began = time.process_time()
    refused = bound.refusal(answer)
    assert why in refused if why and refused else refused is None
    assert time.process_time() - began < 5, "a host decides how long this takes"


@given(st.recursive(st.text() | st.none(), st.lists, max_leaves=30))
def test_what_a_host_may_answer_is_not_refused(answer: object) -> None:
    assert bound.refusal(json.dumps(answer).encode()) is None


@given(st.text())
def test_what_is_printed_is_text_for_people(text: str) -> None:
    shown = bound.printable(text)
    assert not any(ord(one) < 32 and one not in "\t\n" for one in shown)
    assert not any(0x7F <= ord(one) < 0xA0 for one in shown)


def test_what_is_printed_has_an_end() -> None:
    shown = bound.printable("a" * 1_000_000 + "the end")
    assert len(shown) < bound.PRINTED + 10
    assert shown.endswith("the end")


def test_an_ansible_that_reads_hosts_in_another_way_is_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ansible.plugins.connection import ssh

    monkeypatch.setattr(ssh.Connection, "_bare_run", lambda self: (0, b"", b""))
    with pytest.raises(RuntimeError):
        bound.install(bound.Meter())
