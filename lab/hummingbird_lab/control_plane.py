# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes control plane, as kubeadm makes it, without a machine of its own.

kubeadm's own phases write certificates, kubeconfigs and the four static pod
manifests; the commands in those are started as processes in the controller's network.
Then kubeadm uploads its settings and a bootstrap token, so that a plain `kubeadm join`
works.  Everything is below the lab's folder.
"""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from hummingbird_lab import inventory, service
from hummingbird_lab.command import run
from hummingbird_lab.errors import CommandFailed, LabError
from hummingbird_lab.sandbox import within

API_PORT = 6443
_READY_WITHIN_S = 90.0

# The kubelet's settings are a plain cluster's, and what these hosts, which share one
# kernel and one disk, cannot change for themselves:
# - kubeadm would upload the path of our authority, which hosts do not have;
# - cgroup v1, and no scope units, whose end systemd misses there;
# - no CAP_SYS_RESOURCE for a score below 0, no writing of the machine's settings;
# - the disk is the machine's: how full it is says nothing about the host.
# A node is lost after 16 s instead of 50, with leases renewed every 5 s (a quarter of
# their length) instead of 10, so that tests need not wait.
_SETTINGS = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: {token}
  ttl: 24h0m0s
  usages: [signing, authentication]
  groups: ["system:bootstrappers:kubeadm:default-node-token"]
localAPIEndpoint: {{advertiseAddress: {address}, bindPort: {port}}}
nodeRegistration:
  name: controller
  criSocket: unix:///run/containerd/containerd.sock
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v{version}
clusterName: lab
controlPlaneEndpoint: {address}:{port}
certificatesDir: {folder}/pki
networking: {{podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}}
apiServer:
  certSANs: [127.0.0.1, 198.51.100.2, 10.99.0.1, "{address_6}"]
controllerManager:
  extraArgs:
  - {{name: kube-api-qps, value: "200"}}
  - {{name: kube-api-burst, value: "400"}}
  - {{name: leader-elect, value: "false"}}
  - {{name: node-monitor-grace-period, value: 16s}}
  - {{name: node-monitor-period, value: 1s}}
scheduler:
  extraArgs:
  - {{name: leader-elect, value: "false"}}
etcd:
  local:
    dataDir: {folder}/etcd
    extraArgs:
    - {{name: unsafe-no-fsync, value: "true"}}
    - {{name: log-level, value: warn}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{x509: {{clientCAFile: /etc/kubernetes/pki/ca.crt}}}}
cgroupDriver: cgroupfs
failCgroupV1: false
oomScoreAdj: 0
protectKernelDefaults: true
evictionHard: {{memory.available: 50Mi, nodefs.available: "1%", imagefs.available: "1%"}}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
nodeLeaseDurationSeconds: 20
"""


class ControlPlane:
    """etcd, API server, controller manager and scheduler."""

    def __init__(self, folder: Path, *, programs: Path, version: str) -> None:
        self._folder = folder
        self._programs = programs
        self._version = version
        self._settings = folder / "kubeadm.yaml"
        self._log = folder / "log"
        self._token_id = secrets.token_hex(3)

    def start(self) -> None:
        """Return when a host could join.

        :raises LabError: a part did not become ready; the text has its last words.
        """
        self._write_files()
        etcd = self._start("etcd")
        api = self._start("kube-apiserver")
        self._wait("etcd", etcd, port=2381, path="/health", local=True, tls=False)
        self._wait("kube-apiserver", api, port=API_PORT, path="/readyz", local=False)
        manager = self._start("kube-controller-manager")
        scheduler = self._start("kube-scheduler")
        self._upload()
        self._wait("kube-controller-manager", manager, port=10257, path="/healthz")
        self._wait("kube-scheduler", scheduler, port=10259, path="/readyz")
        # The controller manager is healthy before its controllers do anything.
        self._until("-n", "default", "get", "serviceaccount", "default")
        key = f"jsonpath={{.data.jws-kubeconfig-{self._token_id}}}"
        self._until("-n", "kube-public", "get", "configmap", "cluster-info", "-o", key)

    def _write_files(self) -> None:
        self._log.mkdir(parents=True)
        token = f"{self._token_id}.{secrets.token_hex(8)}"
        self._settings.touch(mode=0o600)
        self._settings.write_text(
            _SETTINGS.format(
                token=token,
                address=inventory.CONTROLLER_ADDRESS,
                address_6=inventory.CONTROLLER_ADDRESS_6,
                port=API_PORT,
                version=self._version,
                folder=self._folder,
            )
        )
        self._phase("certs", "all")
        self._phase("kubeconfig", "all", "--kubeconfig-dir", str(self._folder))
        manifests = {"KUBEADM_INIT_DRYRUN_DIR": str(self._folder / "manifests")}
        (self._folder / "manifests").mkdir()
        self._phase("control-plane", "all", "--dry-run", env=manifests)
        self._phase("etcd", "local", "--dry-run", env=manifests)

    def _phase(self, *words: str, env: Mapping[str, str] | None = None) -> None:
        argv = [str(self._programs / "kubeadm"), "init", "phase", *words]
        argv += ["--config", str(self._settings)]
        done = run(
            within(inventory.CONTROLLER, argv), env=dict(os.environ) | dict(env or {})
        )
        with (self._log / "kubeadm.log").open("a") as log:
            log.write(done.stdout + done.stderr)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        """Start what the static pod of this name would run."""
        manifest = (self._folder / "manifests" / f"{name}.yaml").read_text()
        found = re.search(r"command:\n((?: +- .*\n)+)", manifest)
        if not found:
            raise LabError(f"kubeadm's manifest of {name} has no command")
        words = [line.strip()[2:].strip("\"'") for line in found[1].splitlines()]
        # kubeadm takes the place of kubeconfigs for granted.
        words = [word.replace("/etc/kubernetes/", f"{self._folder}/") for word in words]
        argv = [str(self._programs / words[0]), *words[1:]]
        return service.start(name, argv, log=self._log)

    def _wait(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        *,
        port: int,
        path: str,
        local: bool = True,
        tls: bool = True,
    ) -> None:
        address = "127.0.0.1" if local else inventory.CONTROLLER_ADDRESS
        service.wait(
            name,
            process,
            port=port,
            path=path,
            address=address,
            tls=tls,
            log=self._log,
            within_s=_READY_WITHIN_S,
        )

    def _upload(self) -> None:
        """Give the cluster what a joining host reads from it."""
        admin = ["--kubeconfig", str(self._folder / "super-admin.conf")]
        # kubeadm makes this binding itself only where its files have default paths.
        self._kubectl(
            *("create", "clusterrolebinding", "kubeadm:cluster-admins"),
            *("--clusterrole=cluster-admin", "--group=kubeadm:cluster-admins"),
        )
        self._phase("upload-config", "all", *admin)
        self._phase("bootstrap-token", *admin)

    def _kubectl(self, *words: str) -> str:
        argv = [str(self._programs / "kubectl")]
        argv += ["--kubeconfig", str(self._folder / "super-admin.conf")]
        argv += ["--cache-dir", str(self._folder / "cache")]
        return run(within(inventory.CONTROLLER, [*argv, *words])).stdout

    def _until(self, *words: str) -> None:
        """Ask again until the answer is not empty."""
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            try:
                if self._kubectl(*words):
                    return
            except CommandFailed:
                pass
            time.sleep(0.1)
        raise LabError(f"the control plane never answered kubectl {' '.join(words)}")
