# SPDX-License-Identifier: Apache-2.0
"""What a helm release hands to the helm program, and makes of what it says."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hummingbird.adapters.helm.release import HelmRelease
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable

SECRET = "-----not for the process list-----"

# Writes down how it was called, then says what the test wants: a stand-in for the
# program alone; tests/lab runs the real one.
_HELM = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
call = {"argv": sys.argv[1:], "env": dict(os.environ)}
if "--values" in sys.argv:
    file = pathlib.Path(sys.argv[sys.argv.index("--values") + 1])
    call["values"] = json.loads(file.read_text())
    call["mode"] = file.stat().st_mode & 0o777
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
answer = json.loads((here / "answers.json").read_text())[sys.argv[1]]
print(answer[1])
print(answer[2], file=sys.stderr)
sys.exit(answer[0])
"""

_NONE = [1, "", "Error: release: not found"]
_FINE = [0, "", ""]


class Helm:
    """The stand-in, with the answers it gives by subcommand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "helm"
        self.program.write_text(_HELM)
        self.program.chmod(0o755)
        self.answer(status=_NONE, upgrade=_FINE)
        self.chart = folder / "chart"
        self.chart.mkdir()
        (self.chart / "Chart.yaml").write_text("name: chart\n")

    def answer(self, **answers: list[Any]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(answers))

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "calls").open()]

    def release(self, program: str | None = None, **settings: Any) -> HelmRelease:
        return HelmRelease(
            program or str(self.program),
            "/etc/hummingbird/kubeconfig",
            self.chart,
            "agents",
            "edge",
            **settings,
        )


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    return Helm(tmp_path)


def deployed(description: str, status: str = "deployed") -> list[Any]:
    info = {"status": status, "description": description, "last_deployed": ""}
    return [0, json.dumps({"info": info}), ""]


def test_values_are_in_no_argument_and_nobody_else_can_read_them(helm: Helm) -> None:
    assert helm.release().ensure({"password": SECRET}) is True
    status, upgrade = helm.calls()
    assert status["argv"][0] == "status"
    assert upgrade["argv"][:3] == ["upgrade", "--install", "agents"]
    assert "--wait=false" in upgrade["argv"]
    assert upgrade["values"] == {"password": SECRET}
    assert upgrade["mode"] == stat.S_IRUSR | stat.S_IWUSR
    for call in (status, upgrade):
        assert SECRET not in json.dumps([call["argv"], call["env"]])
        assert call["env"]["KUBECONFIG"] == "/etc/hummingbird/kubeconfig"
        assert call["argv"][-2:] == ["--namespace", "edge"]


def test_its_own_files_stay_in_the_state_directory(helm: Helm, tmp_path: Path) -> None:
    helm.release(state_directory=tmp_path / "state").ensure({})
    for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
        assert helm.calls()[0]["env"][name].startswith(str(tmp_path / "state") + os.sep)


def test_a_release_that_is_as_wanted_is_left_alone(helm: Helm) -> None:
    release = helm.release()
    helm.answer(status=deployed(release.digest({"a": 1})))
    assert release.ensure({"a": 1}) is False
    assert [call["argv"][0] for call in helm.calls()] == ["status"]


@pytest.mark.parametrize("status", ["failed", "uninstalled", "superseded"])
def test_a_release_that_is_not_deployed_is_made_anew(helm: Helm, status: str) -> None:
    release = helm.release()
    helm.answer(status=deployed(release.digest({}), status), upgrade=_FINE)
    assert release.ensure({}) is True


def test_the_digest_is_of_all_files_and_values(helm: Helm) -> None:
    release = helm.release()
    digests = {release.digest({}), release.digest({"a": 1})}
    (helm.chart / "values.yaml").write_text("")
    digests.add(release.digest({}))
    (helm.chart / "values.yaml").rename(helm.chart / "other.yaml")
    digests.add(release.digest({}))
    assert len(digests) == 4
    assert release.digest({"a": 1, "b": 2}) == release.digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    "said",
    [
        "Error: Kubernetes cluster unreachable: Get ...: connection refused",
        "WARNING: readable by all\nError: UPGRADE FAILED: another operation "
        "(install/upgrade/rollback) is in progress",
        "Error: INSTALLATION FAILED: release: already exists",
        "Error: cannot re-use a name that is still in use",
    ],
)
def test_what_passes_by_itself_is_unavailable(helm: Helm, said: str) -> None:
    helm.answer(status=_NONE, upgrade=[1, "", said])
    with pytest.raises(KubernetesUnavailable) as caught:
        helm.release().ensure({})
    assert "WARNING" not in str(caught.value)


def test_who_is_overtaken_looks_again(helm: Helm) -> None:
    """Two conductors install at once: both found none, and one of them was faster."""
    release = helm.release()
    digest = release.digest({"a": 1})
    helm.answer(
        status=_NONE,
        upgrade=[1, "", "Error: INSTALLATION FAILED: release: already exists"],
    )
    overtaken = helm.program.read_text().replace(
        "answer = json", f"then = {deployed(digest)!r}\nanswer = json"
    )
    overtaken = overtaken.replace(
        "[sys.argv[1]]",
        "[sys.argv[1]]\n"
        "mark = here / 'installed'\n"
        "answer = then if sys.argv[1] == 'status' and mark.exists() else answer\n"
        "sys.argv[1] == 'upgrade' and mark.touch()",
    )
    helm.program.write_text(overtaken)
    assert not release.ensure({"a": 1}), "it is as wanted, by somebody else"
    assert [call["argv"][0] for call in helm.calls()] == ["status", "upgrade", "status"]


def test_what_does_not_is_refused(helm: Helm) -> None:
    helm.answer(status=_NONE, upgrade=[1, "", "Error: values don't meet the schema"])
    with pytest.raises(KubernetesRefused, match="don't meet the schema"):
        helm.release().ensure({})
    with pytest.raises(KubernetesRefused, match="No such file"):
        helm.release(program="/nowhere/helm").ensure({})
    (helm.chart / "Chart.yaml").unlink()
    helm.chart.rmdir()
    with pytest.raises(KubernetesRefused, match="chart can't be read"):
        helm.release().ensure({})


def test_one_that_hangs_is_ended(helm: Helm) -> None:
    helm.program.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(KubernetesUnavailable, match=r"0\.3 seconds"):
        helm.release(timeout_seconds=0.3).ensure({})
