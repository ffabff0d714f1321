# SPDX-License-Identifier: Apache-2.0
"""Refusals and failures of tunnels."""

from hummingbird.errors.base import BadRequest, Conflict, NotFound, Unavailable
from hummingbird.errors.resource import RunFailed


class PublicKeyInvalid(BadRequest):
    code = "hummingbird.tunnel.public_key_invalid"
    sentence = (
        "A WireGuard public key is 32 octets in base64, as `wg pubkey` prints it."
    )


class TunnelKeyTaken(Conflict):
    code = "hummingbird.tunnel.key_taken"
    sentence = "Another host, or the hub, has this key already; each has its own."


class OverlayFull(Conflict):
    code = "hummingbird.tunnel.overlay_full"
    sentence = (
        "The tunnels' network {overlay} has no address left; give [tunnel]overlay a wider "
        "one that contains it."
    )


class TunnelMissing(NotFound):
    code = "hummingbird.tunnel.missing"
    sentence = "Host {hostname} has no tunnel; make one with host-bootstrap."


class TunnelNotNeeded(NotFound):
    code = "hummingbird.tunnel.not_needed"
    sentence = (
        "Host {hostname} has no tunnel: its network {emn} is attached by {attachment} and "
        "needs none."
    )


class HubEndpointMissing(BadRequest):
    code = "hummingbird.tunnel.hub_endpoint_missing"
    sentence = (
        "Nobody said where hosts reach this controller's WireGuard hub: set "
        "[tunnel]hub_endpoint to address:port."
    )


class HubEndpointInvalid(BadRequest):
    code = "hummingbird.tunnel.hub_endpoint_invalid"
    sentence = (
        "[tunnel]hub_endpoint is {endpoint!r}; it should be address:port, as "
        "203.0.113.5:51820 or [2001:db8::5]:51820."
    )


class NotTunnelled(BadRequest):
    code = "hummingbird.tunnel.not_tunnelled"
    sentence = (
        "Host {hostname} is in network {emn}, which is attached by {attachment}: it needs "
        "no tunnel. Say so if it does: hummingbird emn-update {emn} --attachment wireguard"
    )


class TunnelKeyRefused(RunFailed):
    """A new key was not heard in time; the old one stays."""

    code = "hummingbird.tunnel.key_refused"
    sentence = "{step}: {message}"
    worth_a_retry = True


class BundleDoubtful(RunFailed):
    """Programs that hosts would get may be somebody else's; no host gets any."""

    code = "hummingbird.tunnel.bundle_doubtful"
    sentence = "Nothing of [tunnel]bundle goes to a host: {message}"


class HubUnavailable(Unavailable):
    code = "hummingbird.tunnel.hub_unavailable"
    sentence = "The WireGuard hub on this controller can't be made: {message}"
