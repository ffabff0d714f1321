# SPDX-License-Identifier: Apache-2.0
"""Which of several endpoints a host should be told: one that its own address can speak to.

A fleet of IPv4 has hosts that have IPv6 alone, and the other way round. What such a host is
told has an address of its own family, where the operator named one. A name counts as both:
the host's own resolver says what it stands for.
"""

import ipaddress
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


def split(endpoint: str) -> tuple[str, int | None]:
    """Return host and port of "host", "host:port", "[address]:port" or a URL; a port that
    is not said, or is no number, is None."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    try:
        return parts.hostname or "", parts.port
    except ValueError:
        return parts.hostname or "", None


def join(host: str, port: int) -> str:
    """Return host:port, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def version(host: str) -> int | None:
    """Return 4 or 6; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).version
    except ValueError:
        return None


def nearest(
    given: Iterable[T], *, address: str | None, host_of: Callable[[T], str]
) -> tuple[T, ...]:
    """Return those that a host with `address` can speak to, in the order given.

    :param host_of: an endpoint's host: an address without brackets, or a name.
    :return: all of them where none is of its family: the host may have more addresses than
        the one that we know.
    """
    every = tuple(given)
    if address is None:
        return every
    wanted = (version(address), None)
    return tuple(one for one in every if version(host_of(one)) in wanted) or every


def nearest_endpoints(given: Iterable[str], *, address: str | None) -> tuple[str, ...]:
    """Return those of `given` ("host:port" or URLs) for a host with `address`."""
    return nearest(given, address=address, host_of=lambda one: split(one)[0])
