# SPDX-License-Identifier: Apache-2.0
"""One helm release that is as its chart and values say.

Runs the helm program; its exit status and what it prints are all that is used. Values
go through a file that only we can read: they may hold what a process list must not show.
A release that is already as wanted costs one read and changes nothing.
"""

import hashlib
import json
import logging
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hummingbird.clock import Clock, SystemClock
from hummingbird.errors import KubernetesRefused, KubernetesUnavailable

LOG = logging.getLogger(__name__)

_ABANDONED_AFTER = timedelta(minutes=5)
"""A helm that was killed leaves its release "pending" for ever, and every later one
refuses to touch it. Ours wait for nothing and take seconds: a guess far above that."""

_UNAVAILABLE = (
    "Kubernetes cluster unreachable",
    "connection refused",
    "i/o timeout",
    "no such host",
    "context deadline exceeded",
    "TLS handshake timeout",
    "another operation (install/upgrade/rollback) is in progress",
    "the server is currently unable to handle the request",
    # Another conductor installed it between our look and our install.
    "release: already exists",
    "cannot re-use a name that is still in use",
    "the object has been modified",
)
"""helm has one exit status for every failure; these are the ones that pass by
themselves (helm pkg/kube, pkg/action; Go net; kubernetes apimachinery)."""


_OPTION: Final = re.compile(r"OS_[A-Z0-9_]+__[A-Z0-9_]+")
"""A variable that oslo.config takes for an option (oslo_config/sources/_environment.py)."""


class HelmRelease:
    """A release of one chart in one namespace.

    `state_directory` holds helm's own caches; without one, a temporary folder does.
    """

    def __init__(
        self,
        helm_binary: str,
        kubeconfig: str | Path | None,
        chart_path: str | Path,
        release: str,
        namespace: str,
        *,
        context: str | None = None,
        state_directory: str | Path | None = None,
        timeout_seconds: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self._helm_binary = helm_binary
        self._kubeconfig = kubeconfig
        self._chart_path = Path(chart_path)
        self._release = release
        self._namespace = namespace
        self._context = context
        self._state_directory = state_directory
        self._timeout_seconds = timeout_seconds
        self._clock = clock or SystemClock()

    def ensure(self, values: Mapping[str, Any]) -> bool:
        """Install or upgrade the release if chart or values differ; return if so.

        Does not wait for the pods. The namespace must exist.

        :raises KubernetesUnavailable: the cluster does not answer in time, or somebody
            else is at the release.
        :raises KubernetesRefused: helm can't be run or refuses chart or values.
        """
        digest = self.digest(values)
        deployed = self._deployed()
        if _is_at(digest, deployed):
            return False
        if str(deployed.get("status", "")).startswith("pending-"):
            self._clear_abandoned(deployed)
        with self._folder() as folder:
            file = Path(folder) / "values.json"  # JSON is YAML
            file.touch(mode=0o600)
            file.write_text(json.dumps(values))
            try:
                self._install(file, digest)
            except KubernetesUnavailable:
                # Whoever was faster may have done all that there is to do.
                if _is_at(digest, self._deployed()):
                    return False
                raise
        LOG.info("Helm release %s is now at %s", self._release, digest)
        return True

    def _install(self, values: Path, digest: str) -> None:
        self._run(
            "upgrade",
            "--install",
            self._release,
            str(self._chart_path),
            "--wait=false",
            "--values",
            str(values),
            "--description",
            digest,
            "--history-max",
            "3",
        )

    def remove(self) -> bool:
        """Uninstall the release; return False where there is none."""
        if not self._deployed():
            return False
        self._run("uninstall", self._release, "--ignore-not-found")
        return True

    def digest(self, values: Mapping[str, Any]) -> str:
        """Return what identifies a chart and its values: sha256:<hex>.

        :raises KubernetesRefused: there is no chart.
        """
        try:
            files = (
                sorted(path for path in self._chart_path.rglob("*") if path.is_file())
                if self._chart_path.is_dir()
                else [self._chart_path]
            )
            digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
            for path in files:
                content = path.read_bytes()
                name = path.relative_to(self._chart_path.parent)
                digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
        except OSError as error:
            raise self._refused(f"its chart can't be read: {error}") from error
        return f"sha256:{digest.hexdigest()}"

    def _deployed(self) -> dict[str, Any]:
        """Return the release's last revision: status, description; {} for none."""
        done = self._call("status", self._release, "--output", "json")
        if done.returncode:
            if "release: not found" in done.stderr:
                return {}
            raise self._failed(done.stderr)
        info = json.loads(done.stdout)["info"]
        return {
            "status": info["status"],
            "description": info.get("description", ""),
            "at": info.get("last_deployed", ""),
        }

    def _clear_abandoned(self, deployed: Mapping[str, Any]) -> None:
        # Go writes nanoseconds, Python reads six digits of them at most: seconds do.
        began = datetime.fromisoformat(deployed["at"][:19] + _offset(deployed["at"]))
        if self._clock.now() - began < _ABANDONED_AFTER:
            raise KubernetesUnavailable(
                message=f"somebody else is at helm release {self._release}"
            )
        LOG.warning("Helm release %s was left %s", self._release, deployed["status"])
        if deployed["status"] == "pending-install":
            self._run("uninstall", self._release)
        else:
            self._run("rollback", self._release)

    def _run(self, *arguments: str) -> str:
        done = self._call(*arguments)
        if done.returncode:
            raise self._failed(done.stderr)
        return done.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [self._helm_binary, *arguments, "--namespace", self._namespace]
        if self._context:
            argv += ["--kube-context", self._context]
        with self._folder() as folder:
            try:
                return subprocess.run(
                    argv,
                    env=self._environment(folder),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=self._timeout_seconds,
                )
            except subprocess.TimeoutExpired as error:
                raise KubernetesUnavailable(
                    message=f"helm took more than {self._timeout_seconds:g} seconds"
                ) from error
            except OSError as error:
                raise self._refused(f"{self._helm_binary}: {error.strerror}") from error

    def _environment(self, folder: str) -> dict[str, str]:
        home = str(self._state_directory or folder)
        environment = {
            # A login plugin of the kubeconfig may need any of them, but our own options,
            # which may stand here too (oslo.config): they hold passwords of others.
            **{
                name: value
                for name, value in os.environ.items()
                if not _OPTION.fullmatch(name)
            },
            "HELM_CACHE_HOME": f"{home}/cache",
            "HELM_CONFIG_HOME": f"{home}/config",
            "HELM_DATA_HOME": f"{home}/data",
        }
        if self._kubeconfig:
            environment["KUBECONFIG"] = str(self._kubeconfig)
        return environment

    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="hummingbird-helm-")

    def _failed(self, said: str) -> KubernetesRefused | KubernetesUnavailable:
        warnings, _, error = said.partition("Error: ")
        message = (error or warnings).strip()
        if any(sign in message for sign in _UNAVAILABLE):
            return KubernetesUnavailable(message=message)
        return self._refused(message)

    def _refused(self, message: str) -> KubernetesRefused:
        return KubernetesRefused(
            action=f"install helm release {self._release}", message=message
        )


def _is_at(digest: str, deployed: Mapping[str, Any]) -> bool:
    return (
        deployed.get("status") == "deployed" and deployed.get("description") == digest
    )


def _offset(moment: str) -> str:
    """Return the UTC offset at the end of an RFC 3339 time."""
    return "+00:00" if moment.endswith("Z") else moment[-6:]
