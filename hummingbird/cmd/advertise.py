# SPDX-License-Identifier: Apache-2.0
"""Where agents find the gateway, and the certificate that it shows them there.

The gateway and the conductor both ask here, so that what the chart tells the agents is
what the gateway answers with. They share the state directory.
"""

import contextlib
import ipaddress
import socket

from hummingbird.adapters.netlink.link import Links
from hummingbird.adapters.pki.authority import Certificate, ensure_server_certificate
from hummingbird.conf import Conf
from hummingbird.conf.share import controller_name, state_directory
from hummingbird.errors import Unavailable


def gateway_address(conf: Conf, links: Links) -> str:
    """Return the address that agents are told.

    :raises Unavailable: nobody said one, and no route leads to the management network.
    """
    if conf.gateway.advertise:
        return str(conf.gateway.advertise)
    network = ipaddress.ip_network(conf.network.mn_cidr)
    # Any address there will do; the first of a network may be the controller's own.
    for address in (network[1], network[-2 if network.num_addresses > 2 else -1]):
        source = links.source_address(str(address))
        if source is not None and not ipaddress.ip_address(source).is_loopback:
            return source
    raise Unavailable(
        message=f"No route leads to the management network {network}; say where agents"
        " reach the gateway: [gateway]advertise"
    )


def gateway_certificate(conf: Conf, links: Links) -> Certificate:
    """Return the gateway's certificate, made or renewed if need be."""
    names = {"127.0.0.1", "localhost", controller_name(conf), socket.gethostname()}
    # Without a route the gateway is up before its network is; the certificate is renewed
    # with the address at the next start.
    with contextlib.suppress(Unavailable):
        names.add(gateway_address(conf, links))
    return ensure_server_certificate(state_directory(conf) / "pki", names)
