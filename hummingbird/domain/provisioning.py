# SPDX-License-Identifier: Apache-2.0
"""What provisioning puts on one host: a pure function of the host and the settings.

The plan is what the playbook gets, role by role; its digest says whether a host has been
provisioned with just this. The certificate by which the host joins is no part of either: it
is new in each run.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from hummingbird.domain.endpoint import nearest, nearest_endpoints, split
from hummingbird.domain.host import Host
from hummingbird.errors import AddressMissing

CERTIFICATE_VARIABLE = "kubernetes_node_join_certificate"
KEY_VARIABLE = "kubernetes_node_join_private_key"
UUID_VARIABLE = "kubernetes_node_host_uuid"
AGENT_IMAGES = ("mtc-client", "sysinv-agent")


@dataclass(frozen=True, kw_only=True)
class PackageRepository:
    """An APT archive that hosts get their packages from."""

    urls: tuple[str, ...]
    """At least one; a host takes the first that it can speak to."""
    key: str
    """Its public key, armoured."""
    suite: str
    components: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A registry that stands in for another."""

    host: str
    """The registry's name as it stands in image names."""
    endpoint: str
    ca_pem: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for every host of this deployment."""

    release: str
    """Hummingbird's version: another one may bring other playbooks."""
    package_repository: PackageRepository | None
    mirrors: tuple[Mirror, ...]
    sandbox_image: str
    essential_images: tuple[str, ...]
    agent_images: tuple[str, ...]
    """Of AGENT_IMAGES, in that order, as a container runtime pulls them."""
    ignore_preflight_errors: tuple[str, ...]
    systemd_cgroup: bool
    restrict_oom_score_adj: bool
    pod_network: bool


@dataclass(frozen=True, kw_only=True)
class Join:
    """The cluster that the host joins."""

    api_endpoints: tuple[str, ...]
    """host:port, as hosts reach it; one takes the first that it can speak to."""
    ca_certificate: str
    """PEM."""
    version: str
    """Major and minor: "1.36"."""


@dataclass(frozen=True)
class Plan:
    """What the playbook gets, and the digest that is kept with the host."""

    variables: Mapping[str, object]
    digest: str
    basis: str
    """Digest of what is the same for all hosts; see `basis`."""


def plan(
    host: Host,
    *,
    join: Join,
    settings: Settings,
    address: str | None = None,
    tunnel_settings: str = "",
    vxlan_settings: str = "",
) -> Plan:
    """Return the plan for `host`.

    :param address: its address inside its tunnel, where it is a node by that.
    :param tunnel_settings: see `domain.tunnel.host_settings`.
    :param vxlan_settings: see `domain.vxlan.host_settings`.
    :raises AddressMissing: it has no management address.
    """
    node_ip = address or host.mgmt_ip
    if node_ip is None:
        raise AddressMissing(hostname=host.hostname)
    variables: dict[str, object] = {
        "node_config_hostname": host.hostname,
        "node_config_cluster_ca_cert": join.ca_certificate,
        "node_config_package_repository": _repository(
            settings.package_repository, node_ip
        ),
        "tunnel_settings": tunnel_settings,
        "vxlan_settings": vxlan_settings,
        "container_runtime_registry_mirrors": [
            {"host": m.host, "endpoint": m.endpoint, "ca_pem": m.ca_pem}
            for m in _mirrors(settings.mirrors, node_ip)
        ],
        "container_runtime_sandbox_image": settings.sandbox_image,
        "container_runtime_restrict_oom_score_adj": settings.restrict_oom_score_adj,
        "container_runtime_systemd_cgroup": settings.systemd_cgroup,
        "container_runtime_pod_network": settings.pod_network,
        "kubernetes_node_name": host.hostname,
        "kubernetes_node_ip": node_ip,
        "kubernetes_node_api_endpoint": nearest_endpoints(
            join.api_endpoints, address=node_ip
        )[0],
        "kubernetes_node_ca_cert": join.ca_certificate,
        "kubernetes_node_version": join.version,
        "kubernetes_node_ignore_preflight_errors": list(
            settings.ignore_preflight_errors
        ),
        "images_essential": list(_images(settings)),
    }
    return Plan(
        variables,
        _digest({**variables, "release": settings.release}),
        basis(join=join, settings=settings),
    )


def basis(*, join: Join, settings: Settings) -> str:
    """Return the digest of what all plans rest on: the cluster, the settings, and our
    release. A host that was provisioned on another one is not as it would be now."""
    return _digest({"join": asdict(join), "settings": asdict(settings)})


def _repository(
    repository: PackageRepository | None, address: str
) -> dict[str, object]:
    if repository is None:
        return {}
    return {
        "url": nearest_endpoints(repository.urls, address=address)[0],
        "key": repository.key,
        "suite": repository.suite,
        "components": list(repository.components),
    }


def _mirrors(mirrors: Iterable[Mirror], address: str) -> tuple[Mirror, ...]:
    """Return the mirrors that a host with `address` can speak to."""
    by_name: dict[str, list[Mirror]] = {}
    for mirror in mirrors:
        by_name.setdefault(mirror.host, []).append(mirror)
    return tuple(
        one
        for some in by_name.values()
        for one in nearest(
            some, address=address, host_of=lambda m: split(m.endpoint)[0]
        )
    )


def _images(settings: Settings) -> tuple[str, ...]:
    wanted = (
        settings.sandbox_image,
        *settings.agent_images,
        *settings.essential_images,
    )
    return tuple(dict.fromkeys(wanted))


def _digest(content: Mapping[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
