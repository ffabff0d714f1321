# SPDX-License-Identifier: Apache-2.0
"""Refusals of addresses and of the pools that they come from."""

from hummingbird.errors.base import BadRequest, Conflict


class AddressNotUsable(BadRequest):
    code = "hummingbird.address.not_usable"
    sentence = "{address} is the {what} of {network}; no host can have it."


class AddressReserved(Conflict):
    code = "hummingbird.address.reserved"
    sentence = "Address {address} is kept for {holder}."


class BoardAddressTaken(BadRequest):
    code = "hummingbird.host.bm_ip_taken"
    sentence = "Host-add Rejected: bm_ip {address} already exists"


class AddressRefused(BadRequest):
    code = "hummingbird.address.refused"
    sentence = "{message}"


class AddressPoolInvalid(BadRequest):
    code = "hummingbird.address_pool.invalid"
    sentence = "{message}"


class AddressPoolTaken(Conflict):
    code = "hummingbird.address_pool.taken"
    sentence = "Address pool {name} overlaps or has the name of {holder}."


class AddressPoolInUse(Conflict):
    code = "hummingbird.address_pool.in_use"
    sentence = "{message}"


class AddressPoolFull(Conflict):
    code = "hummingbird.address_pool.full"
    sentence = (
        "Address pool {name} has no free address left in its ranges; give it wider ones: "
        "hummingbird addrpool-update {name} --ranges FIRST-LAST"
    )


class AddressPoolConflict(Conflict):
    code = "hummingbird.address_pool.generation_conflict"
    sentence = (
        "Address pool {name} was changed by somebody else meanwhile; read it again."
    )
    worth_a_retry = True
