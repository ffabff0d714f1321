# SPDX-License-Identifier: Apache-2.0
"""Kubernetes, etcd and helm, built once from the official Go modules.

`lab/kubernetes` is one program that dispatches on its name, `lab/helm` helm as a tool
of an empty module; both are pinned by go.sum.  `HUMMINGBIRD_LAB_BINARIES` may name a
folder of ready ones instead, say of an official release.
"""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from hummingbird_lab import cache, compiler
from hummingbird_lab.command import run
from hummingbird_lab.errors import CommandFailed, LabError

SOURCE = Path(__file__).resolve().parents[1]
NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)
_PROGRESS_EVERY_S = 15.0


def version() -> str:
    """Return the version of Kubernetes that go.mod pins, as `1.36.3`."""
    text = (SOURCE / "kubernetes" / "go.mod").read_text()
    found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes v(\S+)", text, re.M)
    if not found:
        raise LabError("lab/kubernetes/go.mod does not name k8s.io/kubernetes")
    return found[1]


def path() -> Path:
    """Return the folder with the programs, made already or not."""
    if given := os.environ.get("HUMMINGBIRD_LAB_BINARIES"):
        return Path(given).absolute()
    inputs: list[cache.Input] = [
        *(SOURCE / "kubernetes" / name for name in ("main.go", "go.mod", "go.sum")),
        *(SOURCE / "helm" / name for name in ("go.mod", "go.sum")),
        *(SOURCE / "pause" / name for name in ("main.go", "go.mod")),
        *NAMES,
    ]
    return cache.entry("binaries", inputs)


def make(*, say: cache.Say) -> Path:
    """Return the folder; if it must be built, that takes about 7 min on 2 cores.

    :raises LabError: a given folder lacks a program, or it can't be built.
    """
    folder = path()
    if os.environ.get("HUMMINGBIRD_LAB_BINARIES"):
        for name in (*NAMES, "helm", "pause"):
            if not (folder / name).is_file():
                raise LabError(f"HUMMINGBIRD_LAB_BINARIES={folder} has no {name}")
        return folder

    def build(draft: Path) -> None:
        _build(draft, say=say)

    return cache.make(
        folder,
        build,
        say=say,
        what=f"Kubernetes {version()} and helm from their Go modules (about 7 min)",
    )


def _build(folder: Path, *, say: cache.Say) -> None:
    go = compiler.go(say=say)
    env = dict(os.environ) | {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    stamp = "k8s.io/component-base/version"
    major, minor, _ = version().split(".", 2)
    flags = (
        f"-s -w -X {stamp}.gitVersion=v{version()}"
        f" -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor}"
    )
    for module, target, package in (
        ("kubernetes", "kubernetes", "."),
        ("helm", "helm", "helm.sh/helm/v3/cmd/helm"),
        ("pause", "pause", "."),
    ):
        say(f"fetching the modules of {module}")
        run([go, "mod", "download"], env=env, cwd=SOURCE / module)
        _compile(
            [
                go,
                "build",
                "-v",
                "-ldflags",
                flags,
                "-o",
                str(folder / target),
                package,
            ],
            module=module,
            env=env,
            say=say,
        )
    for name in NAMES:
        (folder / name).symlink_to("kubernetes")


def _compile(
    argv: list[str], *, module: str, env: Mapping[str, str], say: cache.Say
) -> None:
    """Run a Go build, saying now and then how far it is; `-v` names each package."""
    cwd = SOURCE / module
    listed = run([argv[0], "list", "-deps", argv[-1]], env=env, cwd=cwd).stdout
    total, done, said, lines = len(listed.split()), 0, time.monotonic(), []
    with subprocess.Popen(
        argv, env=dict(env), cwd=cwd, stderr=subprocess.PIPE, text=True
    ) as compiler:
        assert compiler.stderr is not None
        for line in compiler.stderr:
            lines.append(line)
            done += 1
            if time.monotonic() - said > _PROGRESS_EVERY_S:
                said = time.monotonic()
                say(f"  {module}: {done} of about {total} packages compiled")
    if compiler.returncode:
        raise CommandFailed(f"go build of {module}: {''.join(lines)[-2000:]}")
