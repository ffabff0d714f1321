# SPDX-License-Identifier: Apache-2.0
"""Refusals and failures of tunnels."""

from hummingbird.errors.base import BadRequest


class PublicKeyInvalid(BadRequest):
    code = "hummingbird.tunnel.public_key_invalid"
    sentence = "A WireGuard public key is 32 octets in base64, as `wg pubkey` prints it."
