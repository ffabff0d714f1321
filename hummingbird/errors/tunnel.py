# SPDX-License-Identifier: Apache-2.0
"""Refusals and failures of tunnels."""

from hummingbird.errors.base import BadRequest, Conflict, NotFound, Unavailable


class PublicKeyInvalid(BadRequest):
    code = "hummingbird.tunnel.public_key_invalid"
    sentence = (
        "A WireGuard public key is 32 octets in base64, as `wg pubkey` prints it."
    )


class OverlayFull(Conflict):
    code = "hummingbird.tunnel.overlay_full"
    sentence = (
        "The tunnels' network {overlay} has no address left; give [tunnel]overlay a wider "
        "one that contains it."
    )


class TunnelMissing(NotFound):
    code = "hummingbird.tunnel.missing"
    sentence = "Host {hostname} has no tunnel; make one with host-bootstrap."


class HubEndpointMissing(BadRequest):
    code = "hummingbird.tunnel.hub_endpoint_missing"
    sentence = (
        "Nobody said where hosts reach this controller's WireGuard hub: set "
        "[tunnel]hub_endpoint to address:port."
    )


class HubUnavailable(Unavailable):
    code = "hummingbird.tunnel.hub_unavailable"
    sentence = "The WireGuard hub on this controller can't be made: {message}"
