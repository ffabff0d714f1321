# SPDX-License-Identifier: Apache-2.0
"""What a host has yet to tell is kept, in order and with its times, and told once."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.sysinv_agent import journal as module
from agents.sysinv_agent.journal import FORMER_NAME, NAME, Journal
from hummingbird.wire.inventory import Change, Taken, hash_of


def state(kernel: str = "6.1", boot: str = "b", **more: Any) -> dict[str, Any]:
    return {"system": {"kernel_running": kernel, "boot_id": boot}, "ports": [], **more}


class Gateway:
    """Applies changes as the real one does."""

    def __init__(self) -> None:
        self.sections: dict[str, Any] = {}
        self.stream, self.sequence = "", 0
        self.steps: list[tuple[int, dict[str, Any]]] = []

    def hear(self, change: Change) -> Taken | None:
        if change["stream"] != self.stream or change["sequence"] > self.sequence:
            if change["kind"] == "delta":
                if change["base"] != hash_of(self.sections):
                    return None
                self.sections = {**self.sections, **change["sections"]}
            else:
                self.sections = dict(change["sections"])
            assert hash_of(self.sections) == change["hash"]
            self.stream, self.sequence = change["stream"], change["sequence"]
            self.steps.append((change["seen_at"], self.sections))
        return Taken(
            stream=self.stream, sequence=self.sequence, hash=hash_of(self.sections)
        )

    def drain(self, journal: Journal) -> None:
        while (change := journal.next(now=10**6)) is not None:
            answer = self.hear(change)
            if answer is None:
                journal.start_over()
            else:
                journal.taken(answer)


def test_the_first_contact_is_full_and_then_only_what_changed(tmp_path: Path) -> None:
    journal, gateway = Journal(tmp_path), Gateway()
    assert journal.note(state(), seen_at=1)
    first = journal.next(now=5)
    assert first is not None
    assert (first["kind"], first["seen_at"], first["sent_at"]) == ("full", 1, 5)
    gateway.drain(journal)
    assert not journal.note(state(), seen_at=2)
    assert journal.pending == 0
    assert journal.note(state(ports=[{"pname": "eth0"}]), seen_at=3)
    change = journal.next(now=9)
    assert change is not None
    assert (change["kind"], change["sections"]) == (
        "delta",
        {"ports": [{"pname": "eth0"}]},
    )
    gateway.drain(journal)
    assert gateway.sections == state(ports=[{"pname": "eth0"}])


def test_another_boot_or_a_section_less_says_everything(tmp_path: Path) -> None:
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(extra=[]), seen_at=1)
    gateway.drain(journal)
    for now in (state(boot="c", extra=[]), state(boot="c")):
        journal.note(now, seen_at=2)
        change = journal.next(now=2)
        assert change is not None
        assert change["kind"] == "full"
        gateway.drain(journal)
        assert gateway.sections == now


def test_changes_of_a_cut_are_told_in_order_with_their_times_after_a_restart(
    tmp_path: Path,
) -> None:
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(), seen_at=1)
    gateway.drain(journal)
    for at, kernel in ((10, "6.2"), (20, "6.3"), (30, "6.1")):
        journal.note(state(kernel), seen_at=at)
        journal = Journal(tmp_path)
    assert journal.pending == 3
    gateway.drain(journal)
    assert [at for at, _ in gateway.steps] == [1, 10, 20, 30]
    assert [s["system"]["kernel_running"] for _, s in gateway.steps] == [
        "6.1",
        "6.2",
        "6.3",
        "6.1",
    ]
    assert Journal(tmp_path).pending == 0


def test_a_change_whose_answer_was_lost_counts_once(tmp_path: Path) -> None:
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(), seen_at=1)
    gateway.drain(journal)
    journal.note(state("6.2"), seen_at=2)
    lost = journal.next(now=2)
    assert lost is not None
    gateway.hear(lost)
    journal = Journal(tmp_path)
    journal.note(state("6.3"), seen_at=3)
    gateway.drain(journal)
    assert [at for at, _ in gateway.steps] == [1, 2, 3]


def test_a_gateway_that_forgot_gets_what_it_lacks_and_the_changes(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    journal.note(state(), seen_at=1)
    Gateway().drain(journal)
    journal.note(state("6.2"), seen_at=2)
    journal.note(state("6.3"), seen_at=3)
    gateway = Gateway()
    gateway.drain(journal)
    assert [at for at, _ in gateway.steps] == [1, 2, 3]
    assert gateway.sections == state("6.3")


def test_an_old_copy_of_the_folder_says_everything_anew(tmp_path: Path) -> None:
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(), seen_at=1)
    gateway.drain(journal)
    old = (tmp_path / NAME).read_bytes()
    for at in range(2, 5):
        journal.note(state(f"6.{at}"), seen_at=at)
        gateway.drain(journal)
    (tmp_path / NAME).write_bytes(old)
    journal = Journal(tmp_path)
    journal.note(state("7.0"), seen_at=9)
    gateway.drain(journal)
    assert gateway.sections == state("7.0")
    assert journal.pending == 0


def test_it_is_bounded_and_what_is_merged_still_ends_at_the_host_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 5)
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(), seen_at=1)
    gateway.drain(journal)
    for at in range(2, 30):
        journal.note(state(f"6.{at}", boot=f"{at // 20}"), seen_at=at)
        assert journal.pending <= 5
    gateway.drain(Journal(tmp_path))
    assert gateway.sections == state("6.29", boot="1")
    assert [at for at, _ in gateway.steps] == [1, 2, 26, 27, 28, 29]


def test_its_size_is_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 4000)
    journal, gateway = Journal(tmp_path), Gateway()
    journal.note(state(), seen_at=1)
    for at in range(2, 12):
        journal.note(state(ports=[{"pname": f"{at}" * 500}]), seen_at=at)
    assert (tmp_path / NAME).stat().st_size < 8000
    gateway.drain(journal)
    assert gateway.sections == state(ports=[{"pname": "11" * 500}])


def test_a_gateway_that_has_just_this_is_told_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.note(state(), seen_at=1)
    assert not journal.is_known("0" * 64)
    assert journal.is_known(hash_of(state()))
    assert journal.pending == 0
    journal.note(state("6.2"), seen_at=2)
    journal.note(state(), seen_at=3)
    assert not journal.is_known(hash_of(state()))
    assert journal.pending == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"stream": "a"}', b'{"stream":"a","sequence":1,"queue":[1]}'],
)
def test_a_file_that_cannot_be_read_is_a_first_contact(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    journal = Journal(tmp_path)
    journal.note(state(), seen_at=1)
    change = journal.next(now=1)
    assert change is not None
    assert change["kind"] == "full"
    assert json.loads((tmp_path / NAME).read_bytes())["queue"]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    journal, gateway = Journal(tmp_path / "missing"), Gateway()
    journal.note(state(), seen_at=1)
    gateway.drain(journal)
    assert gateway.sections == state()


def test_the_file_of_the_version_before_goes(tmp_path: Path) -> None:
    (tmp_path / FORMER_NAME).write_text("{}")
    Journal(tmp_path).note(state(), seen_at=1)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
