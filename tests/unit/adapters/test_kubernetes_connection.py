# SPDX-License-Identifier: Apache-2.0
"""What becomes of an API server's answers, over a real socket."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from hummingbird.adapters.kubernetes import kubeconfig
from hummingbird.adapters.kubernetes.cluster import KubernetesCluster
from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.adapters.kubernetes.join import join_info
from hummingbird.errors import (
    KubeconfigUnusable,
    KubernetesRefused,
    KubernetesUnavailable,
)

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


class Server(ThreadingHTTPServer):
    """Answers by path; writes down what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, str]] = {
            "/version": (
                200,
                '{"gitVersion": "v1.36.3", "major": "1", "minor": "36+"}',
            )
        }
        self.asked: list[tuple[str, str, str | None]] = []
        self.hang = threading.Event()

    def kubeconfig(self, folder: Path) -> Path:
        file = folder / "kubeconfig"
        file.write_text(self.text(f"http://127.0.0.1:{self.server_address[1]}"))
        return file

    @staticmethod
    def text(url: str) -> str:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "let-me-in"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        return yaml.safe_dump(content)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        self.server.asked.append(
            (self.command, self.path, self.headers["Authorization"])
        )
        if path.path == "/hangs":
            self.server.hang.wait(30)
            return
        proceed = parse_qs(path.query).get("continue", [""])[0]
        status, text = self.server.answers.get(
            path.path + (f"#{proceed}" if proceed else ""), (404, "{}")
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.hang.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connection(server: Server, tmp_path: Path) -> Connection:
    return Connection(server.kubeconfig(tmp_path), timeout_seconds=60)


def test_the_kubeconfigs_token_is_shown(server: Server, connection: Connection) -> None:
    answer = connection.request("GET", "/version", action="ask")
    assert answer.body["gitVersion"] == "v1.36.3"
    assert server.asked == [("GET", "/version", "Bearer let-me-in")]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_not_now_is_unavailable(
    server: Server, connection: Connection, status: int
) -> None:
    server.answers["/x"] = (status, '{"kind": "Status", "message": "etcd is slow"}')
    with pytest.raises(KubernetesUnavailable, match="etcd is slow") as caught:
        connection.request("GET", "/x", action="look")
    assert caught.value.worth_a_retry
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_not_like_this_is_refused(
    server: Server, connection: Connection, status: int
) -> None:
    server.answers["/x"] = (status, '{"message": "nodes is forbidden"}')
    with pytest.raises(KubernetesRefused, match="refused to look: nodes is forb"):
        connection.request("GET", "/x", action="look")


def test_a_proxys_page_is_no_crash(server: Server, connection: Connection) -> None:
    server.answers["/x"] = (502, "<html>Bad gateway</html>")
    with pytest.raises(KubernetesUnavailable, match="Bad gateway"):
        connection.request("GET", "/x", action="look")


def test_one_that_hangs_is_unavailable_in_time(server: Server, tmp_path: Path) -> None:
    connection = Connection(server.kubeconfig(tmp_path), timeout_seconds=1)
    with pytest.raises(KubernetesUnavailable, match="timed out"):
        connection.request("GET", "/hangs", action="look")


def test_a_list_is_read_page_by_page(server: Server, connection: Connection) -> None:
    server.answers["/list"] = (
        200,
        json.dumps({"items": [1, 2], "metadata": {"continue": "more&"}}),
    )
    server.answers["/list#more&"] = (200, json.dumps({"items": [3], "metadata": {}}))
    found = list(connection.items("/list", action="list", labelSelector="a=b,c"))
    assert found == [1, 2, 3]
    assert all("labelSelector=a%3Db%2Cc" in path for _, path, _ in server.asked)


def test_a_kubeconfig_that_is_replaced_is_read_again(
    server: Server, connection: Connection, tmp_path: Path
) -> None:
    server.answers["/x"] = (401, '{"message": "Unauthorized"}')
    with pytest.raises(KubernetesRefused):
        connection.request("GET", "/x", action="look")
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace("let-me-in", "new-token"))
    connection.request("GET", "/version", action="ask")
    assert server.asked[-1][2] == "Bearer new-token"


@pytest.mark.parametrize("text", [None, "", ": [", "apiVersion: v1\nkind: Config\n"])
def test_without_a_kubeconfig_it_says_which_option_names_it(
    tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "config"
    if text is not None:
        file.write_text(text)
    with pytest.raises(KubeconfigUnusable, match=r"\[kubernetes\]kubeconfig") as caught:
        KubernetesCluster(file).check()
    assert str(file) in str(caught.value)
    assert not caught.value.worth_a_retry


@pytest.mark.parametrize(
    "text", ["- a", "clusters: 1", "clusters: [1]", "clusters: [{}]"]
)
def test_a_kubeconfig_of_another_shape_is_told_by_its_path(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(KubeconfigUnusable, match=str(file)):
        KubernetesCluster(file).check()


def test_the_place_that_was_looked_at_without_an_option_is_told(tmp_path: Path) -> None:
    named = {"KUBECONFIG": f"{tmp_path / 'one'}:{tmp_path / 'two'}"}
    with pytest.raises(KubeconfigUnusable, match=r"one, .*two does not exist"):
        kubeconfig.check(None, named)
    with pytest.raises(KubeconfigUnusable, match=r"not-there does not exist"):
        kubeconfig.check(tmp_path / "not-there", named)


def test_what_breaks_a_kubeconfig_is_told_without_its_text(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('users: [{token: "top-secret\n')
    with pytest.raises(KubeconfigUnusable) as caught:
        kubeconfig.check(file, {})
    assert "is no YAML (line" in str(caught.value)
    assert "top-secret" not in str(caught.value)


def cluster_info(server: str) -> str:
    authority = base64.b64encode(PEM.encode()).decode()
    cluster = {"server": server, "certificate-authority-data": authority}
    content = yaml.safe_dump({"clusters": [{"name": "", "cluster": cluster}]})
    return json.dumps({"data": {"kubeconfig": content}})


INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://192.168.204.2:6443", "192.168.204.2:6443"),
        ("https://api.example.com", "api.example.com:443"),
        ("https://[fd01::2]:6443", "[fd01::2]:6443"),
    ],
)
def test_hosts_are_told_what_cluster_info_says(
    server: Server, connection: Connection, url: str, endpoint: str
) -> None:
    server.answers[INFO] = (200, cluster_info(url))
    info = join_info(connection, api_endpoints=())
    assert (info.api_endpoints, info.ca_certificate) == ((endpoint,), PEM)
    assert info.version == "1.36"


def test_the_option_wins(server: Server, connection: Connection) -> None:
    server.answers[INFO] = (200, cluster_info("https://127.0.0.1:6443"))
    info = join_info(connection, api_endpoints=["10.0.0.1:6443"])
    assert (info.api_endpoints, info.ca_certificate) == (("10.0.0.1:6443",), PEM)


def test_the_kubeconfig_stands_in_for_cluster_info(tmp_path: Path) -> None:
    authority = base64.b64encode(PEM.encode()).decode()
    content = yaml.safe_load(Server.text("https://api.example.com:6443"))
    content["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    assert Connection(file).cluster() == ("https://api.example.com:6443", PEM)


def test_without_any_authority_hosts_are_told_nothing(connection: Connection) -> None:
    with pytest.raises(KubernetesRefused, match="nor the kubeconfig has its CA"):
        join_info(connection, api_endpoints=["10.0.0.1:6443"])


def test_an_endpoint_that_only_this_machine_can_reach_is_refused(
    server: Server, connection: Connection
) -> None:
    server.answers[INFO] = (200, cluster_info("https://127.0.0.1:6443"))
    with pytest.raises(KubernetesRefused, match="api_endpoint"):
        join_info(connection, api_endpoints=())


@pytest.mark.parametrize("text", ["{", "[]", "clusters: []", "clusters: 7"])
def test_a_cluster_info_that_is_broken_is_refused(
    server: Server, connection: Connection, text: str
) -> None:
    server.answers[INFO] = (200, json.dumps({"data": {"kubeconfig": text}}))
    with pytest.raises(KubernetesRefused):
        join_info(connection, api_endpoints=())


@pytest.mark.parametrize("status", [401, 403, 502])
def test_a_refusal_that_shows_the_request_again_is_told_without_its_tokens(
    server: Server, tmp_path: Path, status: int
) -> None:
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    server.answers[path] = (
        status,
        "Authorization: Bearer let-me-in, token an-agents-own",
    )
    cluster = KubernetesCluster(server.kubeconfig(tmp_path))
    with pytest.raises((KubernetesRefused, KubernetesUnavailable)) as caught:
        cluster.review_token("an-agents-own", audience="a")
    assert "Bearer ***, token ***" in str(caught.value)
