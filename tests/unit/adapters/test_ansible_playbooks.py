# SPDX-License-Identifier: Apache-2.0
"""The playbooks' own promises: documented options, wishes for packages, true differences."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from hummingbird.conductor.boot import LOOK_TAG
from hummingbird.conductor.power import POWER_OFF_TAG, RESET_TAG
from hummingbird.domain.run import PROVISION_STEPS, STEPS, RunKind

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
ROLES = sorted(path.name for path in (PLAYBOOKS / "roles").iterdir())


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, PLAYBOOKS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(*path: str) -> Any:
    return yaml.safe_load(PLAYBOOKS.joinpath(*path).read_text())


@pytest.mark.parametrize("role", ROLES)
def test_each_option_has_type_description_and_the_default_that_is_set(
    role: str,
) -> None:
    spec = _read("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]
    assert spec["short_description"]
    defaults = _read("roles", role, "defaults", "main.yml")
    documented = {}
    for name, option in spec["options"].items():
        assert name.startswith(f"{role}_"), name
        assert option["type"], name
        assert option["description"].strip(), name
        if not option.get("required"):
            documented[name] = option["default"]
        for inner_name, inner in option.get("options", {}).items():
            assert inner["type"], inner_name
            assert inner["description"].strip(), inner_name
    assert documented == defaults


@pytest.mark.parametrize(
    "playbook", ["provision", "recover", "retire", "tunnel", "verify"]
)
def test_ansible_can_read_the_playbook(playbook: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "--syntax-check"),
            *("-i", "host,", str(PLAYBOOKS / f"{playbook}.yml")),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
        },
    )
    assert done.returncode == 0, done.stderr


def test_the_roles_are_the_steps_of_a_run() -> None:
    (play,) = _read("provision.yml")
    assert tuple(role["role"] for role in play["roles"]) == PROVISION_STEPS[1:]
    assert all(role["tags"] == [role["role"]] for role in play["roles"])
    undo, tunnel = _read("retire.yml")
    assert [role["role"] for role in undo["roles"]] == ["undo"]
    assert tunnel["name"] == "tunnel", "the way in goes last"
    assert "undo" in STEPS[RunKind.RETIRE]
    plays = [play["name"] for play in _read("recover.yml")]
    assert {"restart_services", "reboot"} <= set(STEPS[RunKind.RECOVER])
    assert set(plays) == {
        "restart_services",
        "reboot",
        LOOK_TAG,
        RESET_TAG,
        POWER_OFF_TAG,
    }
    plays = [play["name"] for play in _read("tunnel.yml")]
    assert plays == list(STEPS[RunKind.ROTATE][1:])


@pytest.mark.parametrize("task_file", sorted(PLAYBOOKS.glob("roles/*/tasks/*.yml")))
def test_each_command_says_whether_it_changed_something(task_file: Path) -> None:
    def tasks(found: list[Any]) -> list[Any]:
        inner = [
            task
            for each in found
            for part in ("block", "always")
            for task in tasks(each.get(part, []))
        ]
        return found + inner

    for task in tasks(yaml.safe_load(task_file.read_text())):
        assert task["name"]
        assert "ansible.builtin.shell" not in task
        if "ansible.builtin.command" in task:
            assert "changed_when" in task, task["name"]


@pytest.mark.parametrize(
    ("wishes", "missing"),
    [
        (["runc"], []),
        (["containerd|containerd.io"], []),
        (["kubelet=1.36*"], []),
        (["kubelet=1.37*"], ["kubelet=1.37*"]),
        (["kubelet=1.3"], []),
        (["kubeadm=1.36*", "kubeadm=1.36*"], ["kubeadm=1.36*"]),
        (["cri-o|cri-o-runc"], ["cri-o"]),
        ([], []),
    ],
)
def test_what_is_still_needed(wishes: list[str], missing: list[str]) -> None:
    wish = _load("filter_plugins/package_wish.py")
    installed = {"runc": "1.1.5", "containerd.io": "1.7.2", "kubelet": "1.36.3-1.1"}
    assert wish.missing_from(wishes, installed) == missing


HOSTILE_WORDS = [
    *(
        "",
        "/etc/shadow",
        "~/.ssh/id_rsa",
        "../x86_64",
        "x86_64/..",
        "debian",
        "x86_64\n",
    ),
    *("Debian,/etc/shadow", "Debian;Other", "{{ lookup('env', 'HOME') }}", "Debian\0"),
    *(None, 7, True, ["Debian"], {"Debian": "x86_64"}, "D" * 1_000_000),
]


@pytest.mark.parametrize("word", HOSTILE_WORDS, ids=lambda word: repr(word)[:20])
def test_a_hosts_word_is_of_a_closed_list_or_ends_the_task(
    word: object, tmp_path: Path
) -> None:
    plugin = _load("filter_plugins/host_word.py")
    for name in ("wg", "shadow"):
        (tmp_path / name).touch()
    for choose in (
        lambda: plugin.of_family({"debian": 1, "other": 2}, word),
        lambda: plugin.package_tool(word),
        lambda: plugin.bundled(str(tmp_path), word, "wg"),
    ):
        with pytest.raises(AnsibleFilterError) as raised:
            choose()
        assert len(str(raised.value)) < 200
        assert str(raised.value).isprintable()


def test_a_hosts_word_chooses_among_things_of_ours(tmp_path: Path) -> None:
    plugin = _load("filter_plugins/host_word.py")
    assert plugin.of_family({"debian": 1, "other": 2}, "Other") == 2
    assert plugin.package_tool("RedHat") == "dnf"
    with pytest.raises(AnsibleFilterError, match="this one is of another"):
        plugin.package_tool("Other")
    (tmp_path / "riscv64").mkdir()
    for path in (tmp_path / "wg", tmp_path / "riscv64" / "wg"):
        path.touch()
    found = {m: plugin.bundled(str(tmp_path), m, "wg") for m in ("riscv64", "i686")}
    assert found == {"riscv64": f"{tmp_path}/riscv64/wg", "i686": f"{tmp_path}/wg"}
    assert plugin.bundled(str(tmp_path), "riscv64", "wireguard-go") == ""


def test_a_module_names_no_family_that_is_not_known_here() -> None:
    known = _load("filter_plugins/host_word.py").FAMILIES
    named = _load("module_utils/host_family.py").FAMILIES
    assert {*named.values(), "Other"} == set(known)


def test_a_plugin_of_the_runtime_that_serves_is_seen_in_any_listing() -> None:
    serves = _load("filter_plugins/host_word.py").serves
    listing = (
        "TYPE  ID  PLATFORMS  STATUS\nio.containerd.grpc.v1  cri  linux/amd64  ok\n"
    )
    assert serves(listing, "cri")
    assert not serves(listing.replace("ok", "error"), "cri")
    assert not serves("x" + " cri" * 300_000, "cri")
    assert not serves(None, "cri")


def test_what_a_host_says_that_it_has_is_looked_at_as_that() -> None:
    missing_from = _load("filter_plugins/package_wish.py").missing_from
    assert missing_from(["runc=1*"], {"runc": ["1"]}) == ["runc=1*"]
    for said in (None, "runc", ["runc"]):
        with pytest.raises(AnsibleFilterError):
            missing_from(["runc"], said)


def test_a_difference_names_what_came_went_and_changed() -> None:
    snapshot = _load("files/host_snapshot.py")
    before = {"packages": {"a": "1", "b": "1"}, "routes": ["default"], "nft": []}
    after = {"packages": {"b": "2", "c": "1"}, "routes": [], "nft": ["ip nat"]}
    assert snapshot.difference(before, after) == [
        "nft: + ip nat",
        "packages: - a 1",
        "packages: ~ b 1 -> 2",
        "packages: + c 1",
        "routes: - default",
    ]
    assert snapshot.difference(before, before) == []


def test_the_default_routes_that_a_router_advertised_are_known_from_others() -> None:
    """Lines as Linux 6.18 writes them: of a router, of an operator, of a prefix."""
    advert = _load("module_utils/router_advert.py")
    zero, router = "0" * 32, "fe80000000000000cc0dd9fffe6b2a01"
    table = (
        f"{zero} 00 {zero} 00 {router} 00000400 00000001 00000000 00450003     eth0\n"
        f"{zero} 00 {zero} 00 {router} 00000400 00000001 00000000 00000003     eth1\n"
        f"fd000020{zero[8:]} 40 {zero} 00 {zero} 00000100 00000001 00000000 00440001 eth2\n"
    )
    assert advert.default_routes(table) == {"eth0"}
    assert advert.settings(["eth0.7"]) == {"net/ipv6/conf/eth0.7/accept_ra": "2"}


def test_each_kernel_setting_that_is_made_is_known_to_who_takes_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshot = _load("files/host_snapshot.py")
    monkeypatch.setitem(sys.modules, "ansible.module_utils.host_snapshot", snapshot)
    undo = _load("module_utils/undo_network.py")
    advert = _load("module_utils/router_advert.py")
    settings = _read("roles", "node_config", "defaults", "main.yml")
    made = {*settings["node_config_sysctls"], *advert.settings(["eth0.7"])}
    names = {name.replace("/", ".") for name in made}
    assert {name for name in names if not undo._SYSCTLS.match(name)} == set()


def test_everything_that_is_not_compared_has_a_reason() -> None:
    snapshot = _load("files/host_snapshot.py")
    assert all(len(reason) > 5 for reason in snapshot.IGNORED.values())
