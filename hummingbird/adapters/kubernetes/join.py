# SPDX-License-Identifier: Apache-2.0
"""What a host must know to join: where, whom to trust, which version."""

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from hummingbird.adapters.kubernetes.connection import Connection
from hummingbird.errors import KubernetesRefused

_CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"


@dataclass(frozen=True)
class JoinInfo:
    """`ca_certificate` is PEM, `version` like "1.36"."""

    api_endpoints: tuple[str, ...]
    """host:port, at least one: a host takes the first that it can speak to."""
    ca_certificate: str
    version: str


def join_info(connection: Connection, *, api_endpoints: Sequence[str] = ()) -> JoinInfo:
    """Return what a host needs, as kubeadm's own discovery finds it.

    The ConfigMap cluster-info in kube-public is what `kubeadm join` reads; where a
    cluster was not made by kubeadm, the kubeconfig's server and CA stand in for it.
    `api_endpoints` (host:port each), if given, win over both.

    :raises KubernetesRefused: no endpoint or CA that a host could use is known.
    """
    found = connection.find(_CLUSTER_INFO, action="show cluster-info")
    server, authority = _from_cluster_info(found) if found else (None, None)
    if server is None or authority is None:
        own_server, own_authority = connection.cluster()
        server, authority = server or own_server, authority or own_authority
    if not authority:
        raise _unusable("neither cluster-info nor the kubeconfig has its CA")
    endpoints = tuple(api_endpoints) or (_endpoint(server),)
    version = connection.request("GET", "/version", action="tell its version").body
    minor = re.sub(r"\D.*", "", str(version["minor"]))
    return JoinInfo(
        api_endpoints=endpoints,
        ca_certificate=authority,
        version=f"{version['major']}.{minor}",
    )


def _from_cluster_info(found: Mapping[str, Any]) -> tuple[str | None, str | None]:
    text = (found.get("data") or {}).get("kubeconfig")
    try:
        content = yaml.safe_load(text) if text else None
        cluster = content["clusters"][0]["cluster"] if content else {}
        authority = base64.b64decode(cluster.get("certificate-authority-data", ""))
        return cluster.get("server") or None, authority.decode() or None
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _unusable(f"its cluster-info can't be read: {error}") from error


def _endpoint(server: str) -> str:
    parts = urlsplit(server if "//" in server else f"https://{server}")
    host = parts.hostname or ""
    if host == "localhost" or _is_loopback(host):
        raise _unusable(f"{server} is this machine's own; set [kubernetes]api_endpoint")
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port or 443}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(message: str) -> KubernetesRefused:
    return KubernetesRefused(action="say where hosts reach it", message=message)
