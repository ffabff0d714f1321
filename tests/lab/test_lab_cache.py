# SPDX-License-Identifier: Apache-2.0
"""What the lab keeps is found by its inputs, and never half made.  Needs no root."""

import tarfile
from pathlib import Path

import pytest
from hummingbird_lab import cache, image, inventory, requirements
from hummingbird_lab.errors import LabError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMMINGBIRD_CACHE", str(tmp_path / "cache"))


def test_an_entry_is_named_after_the_contents_of_its_inputs(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_text("one")
    first = cache.entry("thing", [folder, "option"])
    assert cache.entry("thing", [folder, "option"]) == first
    assert cache.entry("thing", [folder, "other option"]) != first
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("noise")
    assert cache.entry("thing", [folder, "option"]) == first
    (folder / "a").rename(folder / "b")
    assert cache.entry("thing", [folder, "option"]) != first


def test_an_entry_is_made_once_and_said_once() -> None:
    said: list[str] = []
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("content")

    path = cache.entry("thing", ["input"])
    for _ in range(2):
        assert cache.make(path, build, say=said.append, what="a thing") == path
    assert (path / "file").read_text() == "content"
    assert len(built) == 1
    assert said == ["making a thing"]
    assert [found.name for found in cache.root().iterdir()] == [path.name]


def test_a_build_that_fails_leaves_no_entry() -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("a")
        raise LabError("no more")

    path = cache.entry("thing", ["input"])
    with pytest.raises(LabError, match="no more"):
        cache.make(path, build, say=lambda _: None, what="a thing")
    assert not path.exists()
    assert [found.suffix for found in cache.root().iterdir()] == [".lock"]


def test_an_image_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    archives = [tmp_path / "one.tar", tmp_path / "two.tar"]
    for archive in archives:
        image.write(
            archive, files={"bin/p": program}, links={"bin/q": "p"}, command=["/bin/p"]
        )
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as tar:
        names = tar.getnames()
    assert names[:2] == ["oci-layout", "index.json"]
    assert len([name for name in names if name.startswith("blobs/sha256/")]) == 3


def test_only_packages_of_missing_programs_are_wanted() -> None:
    there = requirements.Requirement("sh", "dash")
    absent = requirements.Requirement("hummingbird-no-such-program", "no-such")
    again = requirements.Requirement("hummingbird-no-such-either", "no-such")
    assert requirements.missing((there, absent, again)) == ["no-such"]


def test_the_inventory_is_consistent() -> None:
    names = [plan.name for plan in inventory.HOSTS]
    names += [port.name for port in inventory.PORTS]
    assert len(set(names)) == len(names)
    assert all(len(f"p-{name}") <= 15 for name in names)  # IFNAMSIZ, if.h
    assert len({plan.mac for plan in inventory.HOSTS}) == len(inventory.HOSTS)
    owners = {port.owner for port in inventory.PORTS}
    for plan in inventory.HOSTS:
        assert plan.network in inventory.SWITCHES
        assert plan.reached_from in owners


def test_hosts_may_watch_as_many_files_as_they_need(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    said: list[str] = []

    limit.write_text("128\n")
    requirements.raise_limits(say=said.append, limit=limit)
    assert limit.read_text() == "1024\n"
    assert said == ["raising fs.inotify.max_user_instances from 128 to 1024"]

    limit.write_text("8192\n")
    requirements.raise_limits(say=said.append, limit=limit)
    assert limit.read_text() == "8192\n", "what an operator raised stays"
    assert len(said) == 1
