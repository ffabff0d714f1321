# SPDX-License-Identifier: Apache-2.0
"""Where agents find the gateway, and the certificates that our servers show.

The gateway and the conductor both ask here, so that what the chart tells the agents is
what the gateway answers with. They share the state directory.
"""

import contextlib
import ipaddress
import socket
from pathlib import Path

from hummingbird.adapters.netlink.link import Links, own_addresses
from hummingbird.adapters.pki.authority import (
    ensure_server_certificate,
    given_certificate,
)
from hummingbird.conf import Conf
from hummingbird.conf.share import controller_name, state_directory
from hummingbird.domain.emn import Network, networks_of
from hummingbird.domain.endpoint import join
from hummingbird.errors import CertificateInvalid, PlainHttpRefused, Unavailable
from hummingbird.tls import Certificate


def gateway_addresses(conf: Conf, links: Links) -> tuple[str, ...]:
    """Return the addresses that agents are told, in the order in which they try them.

    :raises Unavailable: nobody said one, and no route leads to the management network.
    """
    if conf.gateway.advertise:
        return tuple(conf.gateway.advertise)
    networks = networks_of(conf.network.mn_cidr)
    found = (_source(network, links) for network in networks)
    sources = tuple(address for address in found if address is not None)
    if sources:
        return sources
    raise Unavailable(
        message=f"No route leads to the management network {conf.network.mn_cidr}; say"
        " where agents reach the gateway: [gateway]advertise"
    )


def _source(network: Network, links: Links) -> str | None:
    """Return our own address towards a network."""
    # Any address there will do; the first of a network may be the controller's own.
    for address in (network[1], network[-2 if network.num_addresses > 2 else -1]):
        source = links.source_address(str(address))
        if source is not None and not ipaddress.ip_address(source).is_loopback:
            return source
    return None


def gateway_endpoints(conf: Conf, links: Links) -> tuple[str, ...]:
    """Return host:port of each address of `gateway_addresses`."""
    port = int(conf.gateway.port)
    return tuple(join(one, port) for one in gateway_addresses(conf, links))


def gateway_certificate(conf: Conf, links: Links) -> Certificate:
    """Return the gateway's certificate, made or renewed if need be."""
    names = {"127.0.0.1", "localhost", controller_name(conf), socket.gethostname()}
    # Without a route the gateway is up before its network is; the certificate is renewed
    # with the address at the next start.
    with contextlib.suppress(Unavailable):
        names |= set(gateway_addresses(conf, links))
    return ensure_server_certificate(state_directory(conf) / "pki", names)


def api_certificate(conf: Conf) -> Certificate | None:
    """Return the API's certificate: the one that was given, or one of our own authority,
    made or renewed if need be. None: it is to speak plain HTTP.

    :raises CertificateInvalid: the one that was given can't be used.
    :raises PlainHttpRefused: strangers could reach it.
    """
    bind = str(conf.api.bind)
    if not conf.api.tls:
        if not _is(bind, "is_loopback"):
            raise PlainHttpRefused(bind=bind)
        return None
    if conf.api.cert_file or conf.api.key_file:
        return _given(conf)
    names = {"127.0.0.1", "::1", "localhost", controller_name(conf)}
    names |= {socket.gethostname(), *conf.api.tls_names}
    # Only who listens on all addresses pays for the look at them.
    names |= own_addresses() if _is(bind, "is_unspecified") else {bind}
    try:
        return ensure_server_certificate(
            state_directory(conf) / "pki", names, server="api"
        )
    except ValueError as error:
        raise CertificateInvalid(message=error) from error


def _is(bind: str, what: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(bind), what))
    except ValueError:
        return bind == "localhost" and what == "is_loopback"


def _given(conf: Conf) -> Certificate:
    if not (conf.api.cert_file and conf.api.key_file):
        raise CertificateInvalid(message="[api]cert_file and key_file go together")
    ca_path = Path(conf.api.ca_file) if conf.api.ca_file else None
    try:
        return given_certificate(
            Path(conf.api.cert_file), Path(conf.api.key_file), ca_path
        )
    except (OSError, ValueError, TypeError) as error:
        raise CertificateInvalid(message=error) from error
