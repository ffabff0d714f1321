# SPDX-License-Identifier: Apache-2.0
"""The agents' chart, rendered by helm itself: what runs, where, and with what rights."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbird_lab import binaries

from hummingbird import __version__
from hummingbird.conf.share import shared
from hummingbird.domain.node import EDGEWORKER_LABEL
from hummingbird.gateway.identity import SERVICE_ACCOUNTS

CHART = shared("charts/hummingbird-agents")
VALUES = CHART / "ci/lint-values.yaml"


def helm(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    program = os.environ.get("HELM") or str(binaries.path() / "helm")
    if not Path(program).exists():
        program = shutil.which("helm") or pytest.fail("helm is missing; set HELM")
    return subprocess.run(
        [program, *args], capture_output=True, text=True, check=check, timeout=60
    )


def rendered(*args: str) -> dict[tuple[str, str], dict[str, Any]]:
    text = helm(
        *("template", "release", str(CHART), "--namespace", "agents"),
        *("--values", str(VALUES), *args),
    ).stdout
    documents = [one for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in documents}


def test_helm_finds_nothing_to_complain_about() -> None:
    said = helm("lint", "--strict", str(CHART), "--values", str(VALUES)).stdout
    assert "0 chart(s) failed" in said


@pytest.mark.parametrize("agent", ["mtc-client", "sysinv-agent"])
def test_an_agent_runs_on_every_edgeworker_with_no_rights(agent: str) -> None:
    found = rendered()
    account = found["ServiceAccount", SERVICE_ACCOUNTS[agent]]
    assert account["automountServiceAccountToken"] is False
    daemons = found["DaemonSet", agent]
    assert daemons["metadata"]["namespace"] == "agents"
    pod = daemons["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == SERVICE_ACCOUNTS[agent]
    assert pod["nodeSelector"] == {EDGEWORKER_LABEL: "true"}
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["hostNetwork"] is True
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostPID", "hostIPC"} & pod.keys()
    (container,) = pod["containers"]
    digest = yaml.safe_load(VALUES.read_text())["image"]["digests"][agent]
    assert container["image"] == f"localhost:5000/hummingbird/{agent}@{digest}"
    rights = container["securityContext"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    writable = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert writable == ({"unsent"} if agent == "sysinv-agent" else set())
    if agent == "mtc-client":
        assert rights["runAsNonRoot"] is True
        assert [v["name"] for v in pod["volumes"] if "hostPath" in v] == ["random"]


def test_a_tag_is_taken_where_the_values_say_so(tmp_path: Path) -> None:
    values = yaml.safe_load(VALUES.read_text())
    values["image"] = {"tag": "dev", "digests": {}}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    text = helm("template", "release", str(CHART), "--values", str(file)).stdout
    found = {
        (one["kind"], one["metadata"]["name"]): one
        for one in yaml.safe_load_all(text)
        if one
    }
    (container,) = found["DaemonSet", "mtc-client"]["spec"]["template"]["spec"][
        "containers"
    ]
    assert container["image"] == "localhost:5000/hummingbird/mtc-client:dev"


def test_neighbours_are_listened_for_where_the_values_say_so() -> None:
    def container(*args: str) -> dict[str, Any]:
        daemons = rendered(*args)["DaemonSet", "sysinv-agent"]
        (found,) = daemons["spec"]["template"]["spec"]["containers"]
        return dict(found)

    quiet, listening = container(), container("--set", "sysinvAgent.lldp=true")
    assert "LLDP" not in {one["name"] for one in quiet["env"]}
    assert {"name": "LLDP", "value": "listen"} in listening["env"]
    rights = listening["securityContext"]["capabilities"]
    assert rights == {"drop": ["ALL"], "add": ["NET_RAW"]}
    with_lvm = container("--set", "sysinvAgent.lvmBackup=true")
    assert "lvm-backup" in {one["name"] for one in with_lvm["volumeMounts"]}


def test_the_inventory_sees_no_more_of_the_host_than_it_needs() -> None:
    daemons = rendered()["DaemonSet", "sysinv-agent"]
    volumes = daemons["spec"]["template"]["spec"]["volumes"]
    assert {one["hostPath"]["path"] for one in volumes if "hostPath" in one} == {
        "/proc/sys/kernel/random",
        "/sys",
        "/etc/os-release",
        "/proc/1/mountinfo",
        "/run/udev/data",
        "/usr/share",
        "/var/lib/hummingbird/agent",
    }


def test_the_token_is_for_the_gateway_and_short_lived() -> None:
    found = rendered("--set", "token.expirationSeconds=600")
    volumes = found["DaemonSet", "mtc-client"]["spec"]["template"]["spec"]["volumes"]
    (token,) = (volume for volume in volumes if volume["name"] == "token")
    assert token["projected"]["sources"] == [
        {
            "serviceAccountToken": {
                "path": "token",
                "audience": "hummingbird",
                "expirationSeconds": 600,
            }
        }
    ]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("192.0.2.7", "192.0.2.7:2131"),
        ("fd00::1", "[fd00::1]:2131"),
        (r"192.0.2.7\,fd00::1", "192.0.2.7:2131,[fd00::1]:2131"),
    ],
)
def test_agents_are_told_where_the_gateway_is(address: str, told: str) -> None:
    here = rendered("--set", f"gateway.address={address}")
    config = here["ConfigMap", "gateway"]["data"]
    assert config["address"] == told
    assert "BEGIN CERTIFICATE" in config["ca.crt"]

    def checksum(found: dict[tuple[str, str], dict[str, Any]]) -> object:
        template = found["DaemonSet", "mtc-client"]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/gateway"]

    assert checksum(here) != checksum(rendered())


@pytest.mark.parametrize(
    "wrong",
    [
        "gateway.adress=192.0.2.7",
        "gateway.address=",
        "gateway.address=host;rm",
        r"gateway.address=192.0.2.7\,",
        "gateway.port=0",
        "gateway.caCertificate=none",
        "image.pullPolicy=Sometimes",
        "image.tag=latest",
        "image.digests=null",
        "image.digests.mtc-client=null",
        "image.digests.mtc-client=sha256:1",
        "image.digests.other=sha256:" + 64 * "1",
        "token.expirationSeconds=5",
        "mtcclient.resources=x",
        "mtcClient.lldp=true",
        "sysinvAgent.lldp=maybe",
    ],
)
def test_values_that_mean_nothing_are_refused(wrong: str) -> None:
    done = helm(
        *("template", "release", str(CHART), "--values", str(VALUES)),
        *("--set", wrong),
        check=False,
    )
    assert done.returncode != 0
    assert "schema" in done.stderr


def test_every_value_is_used_by_a_template() -> None:
    templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for group, content in values.items():
        for name in content if isinstance(content, dict) else [None]:
            word = f"{group}.{name}" if name else group
            assert f"Values.{word}" in templates, word


def test_the_chart_has_the_version_of_the_product() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
