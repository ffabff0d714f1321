# SPDX-License-Identifier: Apache-2.0
"""Which ports each attachment needs, and in which direction: the one table.

doc/firewall.md is made from it, `hummingbird firewall-show` shows it with this deployment's
own ports, and the lab's NAT router lets exactly its rules through. A rule names who opens
the connection, or sends the first datagram; answers come back by the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hummingbird.domain.emn import Attachment
from hummingbird.domain.vxlan import UDP_PORT

API_SERVER_PORT: Final = 6443
"""kubeadm's."""
KUBELET_PORT: Final = 10250
"""kubernetes.io/docs/reference/networking/ports-and-protocols."""


class Where(StrEnum):
    """Whose firewall has to know a rule."""

    OUTSIDE = "outside"
    """Any on the way between the site and the controller, and both ends' own."""
    INSIDE = "inside"
    """Both ends' own alone: a tunnel carries it."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """This deployment's own."""

    gateway: int
    hub: int
    vxlan: int = UDP_PORT
    kubernetes: int = API_SERVER_PORT
    ssh: int = 22


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing to let through."""

    attachment: Attachment
    where: Where
    source: str
    destination: str
    protocol: str
    port: str
    """A number, or what it depends on."""
    needed: str
    why: str


_ANSWERS_BY_TUNNEL: Final = {
    Attachment.DIRECT: Where.OUTSIDE,
    Attachment.ROUTED: Where.OUTSIDE,
    Attachment.VXLAN: Where.INSIDE,
    Attachment.WIREGUARD: Where.INSIDE,
    Attachment.WIREGUARD_VXLAN: Where.INSIDE,
}
"""Where that goes which every host needs."""


def rules(
    ports: Ports, attachments: Iterable[Attachment] = tuple(Attachment)
) -> list[Rule]:
    """Return what has to be let through for hosts of these attachments."""
    return [rule for one in attachments for rule in _of(one, ports)]


def _of(attachment: Attachment, ports: Ports) -> Iterable[Rule]:
    yield from _tunnel(attachment, ports)
    for source, destination, protocol, port, needed, why in _everywhere(ports):
        yield Rule(
            attachment=attachment,
            where=_ANSWERS_BY_TUNNEL[attachment],
            source=source,
            destination=destination,
            protocol=protocol,
            port=port,
            needed=needed,
            why=why,
        )


def _everywhere(ports: Ports) -> Iterable[tuple[str, str, str, str, str, str]]:
    ssh, gateway = str(ports.ssh), str(ports.gateway)
    yield (
        "controller",
        "host",
        "tcp",
        ssh,
        "always",
        "provisioning and recovery, by SSH",
    )
    yield ("host", "controller", "udp", gateway, "always", "heartbeats")
    yield (
        "host",
        "controller",
        "tcp",
        gateway,
        "always",
        "sessions and inventory, TLS",
    )
    yield (
        *("host", "Kubernetes API", "tcp", str(ports.kubernetes), "always"),
        "the kubelet and the pods, TLS",
    )
    yield (
        *("host", "registry", "tcp", "as [provisioning]registry_mirrors", "always"),
        "images",
    )
    yield (
        *("host", "package archive", "tcp"),
        *("as [provisioning]package_repository_url", "while provisioning"),
        "packages, unless they are on the host",
    )
    yield (
        *(
            "Kubernetes API",
            "host",
            "tcp",
            str(KUBELET_PORT),
            "for kubectl logs and exec",
        ),
        "the kubelet, TLS",
    )


def _tunnel(attachment: Attachment, ports: Ports) -> Iterable[Rule]:
    if attachment is Attachment.VXLAN:
        for source, destination in (("host", "controller"), ("controller", "host")):
            yield Rule(
                attachment=attachment,
                where=Where.OUTSIDE,
                source=source,
                destination=destination,
                protocol="udp",
                port=str(ports.vxlan),
                needed="always",
                why="the VXLAN, between the addresses below it",
            )
        yield Rule(
            attachment=attachment,
            where=Where.OUTSIDE,
            source="controller",
            destination="host",
            protocol="tcp",
            port=str(ports.ssh),
            needed="at first contact, and when the VXLAN is to be mended",
            why="SSH to the address below",
        )
    if attachment in (Attachment.WIREGUARD, Attachment.WIREGUARD_VXLAN):
        yield Rule(
            attachment=attachment,
            where=Where.OUTSIDE,
            source="host",
            destination="controller",
            protocol="udp",
            port=str(ports.hub),
            needed="always",
            why="the WireGuard tunnel",
        )
    if attachment is Attachment.WIREGUARD_VXLAN:
        for source, destination in (("host", "controller"), ("controller", "host")):
            yield Rule(
                attachment=attachment,
                where=Where.INSIDE,
                source=source,
                destination=destination,
                protocol="udp",
                port=str(ports.vxlan),
                needed="always",
                why="the VXLAN, inside the tunnel",
            )
