# SPDX-License-Identifier: Apache-2.0
"""The controller of a lab has a real control plane, packages and images for hosts."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbird_lab import agent_image, binaries, image
from hummingbird_lab.lab import Lab

pytestmark = pytest.mark.lab


def kubectl(lab: Lab, *words: str) -> str:
    """Run the lab's kubectl as its administrator, in the controller's network."""
    return lab.exec("controller", ["kubectl", *words]).stdout


def test_the_api_server_is_ready_and_of_the_pinned_version(lab: Lab) -> None:
    assert kubectl(lab, "get", "--raw", "/readyz") == "ok"
    version = json.loads(kubectl(lab, "get", "--raw", "/version"))
    assert version["gitVersion"] == f"v{binaries.version()}"


def test_a_plain_join_finds_what_it_reads(lab: Lab) -> None:
    read = ["get", "configmap", "-o", "json", "-n"]
    info = json.loads(kubectl(lab, *read, "kube-public", "cluster-info"))["data"]
    (cluster,) = yaml.safe_load(info["kubeconfig"])["clusters"]
    assert cluster["cluster"]["server"] == "https://192.168.204.2:6443"
    assert any(key.startswith("jws-kubeconfig-") for key in info)

    configuration = json.loads(kubectl(lab, *read, "kube-system", "kubeadm-config"))
    settings = yaml.safe_load(configuration["data"]["ClusterConfiguration"])
    assert settings["kubernetesVersion"] == f"v{binaries.version()}"

    kubelet = json.loads(kubectl(lab, *read, "kube-system", "kubelet-config"))
    settings = yaml.safe_load(kubelet["data"]["kubelet"])
    assert settings["failCgroupV1"] is False
    assert settings["authentication"]["x509"]["clientCAFile"] == (
        "/etc/kubernetes/pki/ca.crt"
    )


def test_the_controller_manager_hears_of_a_new_namespace(lab: Lab) -> None:
    kubectl(lab, "create", "namespace", "lab-test")
    account = ["-n", "lab-test", "get", "serviceaccount", "default"]
    kubectl(
        lab, "-n", "lab-test", "wait", "--for=create", "sa/default", "--timeout=100s"
    )
    assert "default" in kubectl(lab, *account)
    kubectl(lab, "delete", "namespace", "lab-test", "--timeout=100s")


def test_helm_talks_to_the_cluster(lab: Lab) -> None:
    listed = lab.exec("controller", ["helm", "list", "--all-namespaces", "-o", "json"])
    assert isinstance(json.loads(listed.stdout), list)


@pytest.mark.parametrize("host", ["edge-0", "edge-1"])
def test_a_host_can_install_from_the_signed_repository(lab: Lab, host: str) -> None:
    folder = "/tmp/lab-test-apt"
    key = base64.b64encode(lab.apt_key.read_bytes()).decode()
    lab.ssh(
        host,
        f"mkdir -p {folder}/lists/partial && base64 -d >{folder}/key.gpg",
        input_text=key,
    )
    source = f"deb [signed-by={folder}/key.gpg] {lab.apt_url} ./"
    options = (
        f"-o Dir::Etc::SourceList={folder}/lab.list -o Dir::Etc::SourceParts=-"
        f" -o Dir::State::Lists={folder}/lists"
    )
    lab.ssh(host, f"echo '{source}' >{folder}/lab.list")
    try:
        lab.ssh(host, f"sudo apt-get {options} -qq update")
        names = "containerd kubeadm wireguard-tools"
        plan = lab.ssh(host, f"apt-get {options} -s install {names}").stdout
        assert f"Inst kubeadm ({binaries.version()}-1.1" in plan
        assert f"Inst kubelet ({binaries.version()}-1.1" in plan
        assert "Inst containerd (" in plan
        assert "Inst wireguard-tools (" in plan
    finally:
        lab.ssh(host, f"sudo rm -rf {folder}")


def fetch(lab: Lab, path: str) -> dict[str, Any]:
    """Read a document from the lab's registry, as a host would; digest included."""
    script = (
        "import json, ssl, sys, urllib.request as u\n"
        "context = ssl.create_default_context(cafile=sys.argv[1])\n"
        "kind = 'application/vnd.oci.image.manifest.v1+json, application/json'\n"
        "request = u.Request(sys.argv[2], headers={'Accept': kind})\n"
        "answer = u.urlopen(request, context=context)\n"
        "digest = answer.headers['Docker-Content-Digest']\n"
        "print(json.dumps({'digest': digest, **json.load(answer)}))"
    )
    url = f"https://{lab.registry}/v2/{path}"
    argv = [sys.executable, "-c", script, str(lab.registry_ca), url]
    document: dict[str, Any] = json.loads(lab.exec("controller", argv).stdout)
    return document


def test_the_registry_has_the_images_and_takes_more(lab: Lab, tmp_path: Path) -> None:
    names = {name.rpartition(":")[0] for name in agent_image.names().values()}
    there = set(fetch(lab, "_catalog")["repositories"])
    assert there >= names | {"pause", "library/busybox"}

    note = tmp_path / "note"
    note.write_text("from a test\n")
    archive = tmp_path / "image.tar"
    image.write(archive, files={"note": note}, links={}, command=["/note"])
    digest = lab.push(archive, "test/note:1")
    manifest = fetch(lab, "test/note/manifests/1")
    assert manifest["digest"] == digest
    assert len(manifest["layers"]) == 1
