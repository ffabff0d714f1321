# SPDX-License-Identifier: Apache-2.0
"""Refusals and failures of VXLAN."""

from hummingbird.errors.base import BadRequest, Conflict, Unavailable


class VxlanUnavailable(Unavailable):
    code = "hummingbird.vxlan.unavailable"
    sentence = "VXLAN on this controller can't be made: {message}"


class UnderlayMissing(BadRequest):
    code = "hummingbird.vxlan.underlay_missing"
    sentence = (
        "Host {hostname} is in the VXLAN network {emn}, and nobody said where its end is: "
        "hummingbird host-update {hostname} --underlay ADDRESS, the address that it has "
        "already; or name the EdgeWorker that carries its site: hummingbird emn-update "
        "{emn} --gateway HOST --lan-interface NAME"
    )


class UnderlayTaken(Conflict):
    code = "hummingbird.vxlan.underlay_taken"
    sentence = "The underlay address {address} is already that of host {holder}."


class VniTaken(Conflict):
    code = "hummingbird.vxlan.vni_taken"
    sentence = "VNI {vni} is already that of EMN {holder}."


class OutsideManagementNetwork(BadRequest):
    code = "hummingbird.vxlan.outside_management_network"
    sentence = (
        "{cidr} is not a part of the management network {mn}: VXLAN makes both one L2 "
        "subnet. Give a part of {mn} that nobody uses."
    )


class GatewayUnknown(BadRequest):
    code = "hummingbird.vxlan.gateway_unknown"
    sentence = (
        "The gateway of VXLAN network {emn} is to be one of its own hosts, with an "
        "underlay address; {gateway} is not."
    )
