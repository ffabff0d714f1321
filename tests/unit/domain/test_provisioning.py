# SPDX-License-Identifier: Apache-2.0
"""The plan of a host: complete, without secrets, and the same only if nothing changed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from hummingbird.domain.host import Host
from hummingbird.domain.host_state import HostState
from hummingbird.domain.node import dress, label_value
from hummingbird.domain.provisioning import (
    CERTIFICATE_VARIABLE,
    KEY_VARIABLE,
    Join,
    Mirror,
    PackageRepository,
    Plan,
    Settings,
    plan,
)
from hummingbird.domain.run import PROVISION_STEPS
from hummingbird.errors import AddressMissing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = Path(__file__).parents[3] / "playbooks" / "roles"

HOST = Host(
    id=1,
    uuid="u",
    hostname="edge-0",
    mgmt_mac="02:00:00:00:00:01",
    mgmt_ip="192.168.204.101",
    emn_id=1,
    credential_id=None,
    state=HostState.PROVISIONING,
    generation=1,
    task=None,
    action=None,
    provisioned_plan=None,
    touched=False,
    known_hosts=None,
    reservation_owner=None,
    reservation_purpose=None,
    reserved_at=None,
    state_since=NOW,
    online=False,
    boot_id=None,
    uptime_seconds=0,
    serialid=None,
    created_at=NOW,
    updated_at=None,
)
JOIN = Join(api_endpoints=("192.168.204.2:6443",), ca_certificate="CA", version="1.36")
SETTINGS = Settings(
    release="0.1.0",
    package_repository=PackageRepository(
        urls=("http://192.168.204.2:8080",), key="KEY", suite="./", components=()
    ),
    mirrors=(Mirror(host="docker.io", endpoint="https://m:5000", ca_pem="PEM"),),
    sandbox_image="registry.k8s.io/pause:3.10.2",
    essential_images=("docker.io/library/busybox:1.36",),
    agent_images=(
        "m:5000/hummingbird/mtc-client:0.1.0",
        "m:5000/hummingbird/sysinv-agent:0.1.0",
    ),
    ignore_preflight_errors=("SystemVerification",),
    systemd_cgroup=False,
    restrict_oom_score_adj=True,
    pod_network=True,
)


def the_plan(
    host: Host = HOST, *, join: Join = JOIN, settings: Settings = SETTINGS
) -> Plan:
    return plan(host, join=join, settings=settings)


def test_each_variable_is_an_option_of_the_role_that_it_is_named_for() -> None:
    known: set[str] = set()
    for spec in ROLES.glob("*/meta/argument_specs.yml"):
        document = yaml.safe_load(spec.read_text())
        known |= set(document["argument_specs"]["main"]["options"])
    assert set(the_plan().variables) - known == set()
    for name in (CERTIFICATE_VARIABLE, KEY_VARIABLE):
        assert name in known
        assert name not in the_plan().variables


def test_every_option_that_a_role_demands_is_given() -> None:
    demanded = set()
    for spec in ROLES.glob("*/meta/argument_specs.yml"):
        document = yaml.safe_load(spec.read_text())
        options = document["argument_specs"]["main"]["options"]
        demanded |= {name for name, o in options.items() if o.get("required")}
    assert demanded - set(the_plan().variables) == set()


@pytest.mark.parametrize(
    "settings",
    [SETTINGS, replace(SETTINGS, package_repository=None, mirrors=())],
    ids=["all", "little"],
)
def test_every_role_takes_what_it_is_given(settings: Settings) -> None:
    """By Ansible's own check, which a role begins with."""
    variables = the_plan(settings=settings).variables
    for path in ROLES.glob("*/meta/argument_specs.yml"):
        spec = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
        given = {name: variables[name] for name in spec if name in variables}
        if path.parts[-3] in PROVISION_STEPS:
            found = ArgumentSpecValidator(spec).validate(given)
            assert found.error_messages == [], path


def test_a_package_source_has_a_key() -> None:
    path = ROLES / "node_config" / "meta" / "argument_specs.yml"
    spec = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    given = {**the_plan().variables, "node_config_package_repository": {"url": "u"}}
    found = ArgumentSpecValidator(spec).validate(
        {name: given[name] for name in spec if name in given}
    )
    assert "key" in " ".join(found.error_messages)


def test_the_images_are_pulled_once_each() -> None:
    assert the_plan().variables["images_essential"] == [
        "registry.k8s.io/pause:3.10.2",
        "m:5000/hummingbird/mtc-client:0.1.0",
        "m:5000/hummingbird/sysinv-agent:0.1.0",
        "docker.io/library/busybox:1.36",
    ]


def test_the_same_host_and_settings_have_the_same_digest() -> None:
    assert the_plan().digest == the_plan(replace(HOST, generation=9)).digest


@pytest.mark.parametrize(
    "other",
    [
        the_plan(replace(HOST, mgmt_ip="192.168.204.102")),
        the_plan(replace(HOST, hostname="edge-1")),
        the_plan(join=replace(JOIN, ca_certificate="other")),
        the_plan(join=replace(JOIN, version="1.37")),
        the_plan(settings=replace(SETTINGS, release="0.2.0")),
        the_plan(settings=replace(SETTINGS, mirrors=())),
        the_plan(settings=replace(SETTINGS, package_repository=None)),
    ],
)
def test_whatever_changes_on_the_host_changes_the_digest(other: Plan) -> None:
    assert other.digest != the_plan().digest


def test_a_host_with_ipv6_alone_is_told_where_that_leads() -> None:
    settings = replace(
        SETTINGS,
        package_repository=PackageRepository(
            urls=("http://10.0.0.2:8080", "http://[fd00::2]:8080"),
            key="KEY",
            suite="./",
            components=(),
        ),
        mirrors=(
            Mirror(host="docker.io", endpoint="https://10.0.0.2:5000", ca_pem=""),
            Mirror(host="docker.io", endpoint="https://[fd00::2]:5000", ca_pem=""),
            Mirror(host="quay.io", endpoint="https://mirror.example:5000", ca_pem=""),
        ),
    )
    join = replace(JOIN, api_endpoints=("10.0.0.2:6443", "[fd00::2]:6443"))
    six = the_plan(replace(HOST, mgmt_ip="fd00:20::11"), join=join, settings=settings)
    four = the_plan(join=join, settings=settings)

    def told(plan: Plan) -> tuple[object, ...]:
        repository: Any = plan.variables["node_config_package_repository"]
        mirrors: Any = plan.variables["container_runtime_registry_mirrors"]
        return (
            plan.variables["kubernetes_node_api_endpoint"],
            repository["url"],
            *(one["endpoint"] for one in mirrors),
        )

    named = "https://mirror.example:5000"
    here = ("[fd00::2]:6443", "http://[fd00::2]:8080", "https://[fd00::2]:5000", named)
    assert told(six) == here
    assert told(four) == tuple(text.replace("[fd00::2]", "10.0.0.2") for text in here)


def test_a_host_without_an_address_has_no_plan() -> None:
    with pytest.raises(AddressMissing):
        the_plan(replace(HOST, mgmt_ip=None))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plant-7", "plant-7"),
        ("Plant 7, north", "Plant-7-north"),
        ("-x-", "x"),
        ("…", None),
        ("a" * 80, "a" * 63),
    ],
)
def test_a_sites_name_is_fitted_to_a_label(text: str, value: str | None) -> None:
    assert label_value(text) == value


def test_a_lock_shows_on_the_node() -> None:
    key = "hummingbird.starlingx.io/administrative"
    bare: dict[str, str] = {}
    locked, unlocked = (
        dress(
            host_uuid="u",
            site="a",
            locked=is_locked,
            own={},
            labels=bare,
            annotations={},
        ).labels
        for is_locked in (True, False)
    )
    assert {**locked, key: "unlocked"} == unlocked != locked


def test_a_node_that_is_as_it_should_be_is_not_touched() -> None:
    first = dress(
        host_uuid="u", site="a", locked=False, own={"b": "1"}, labels={}, annotations={}
    )
    labels = {key: value for key, value in first.labels.items() if value is not None}
    notes = {key: text for key, text in first.annotations.items() if text is not None}
    again = dress(
        host_uuid="u",
        site="a",
        locked=False,
        own={"b": "1"},
        labels=labels,
        annotations=notes,
    )
    assert again.is_empty()
