# SPDX-License-Identifier: Apache-2.0
"""Refusals and failures of hosts.

The sentences of refusals that upstream has too are upstream's own, word for word
(StarlingX config, sysinv/api/controllers/v1/host.py): operators know them.
"""

from hummingbird.errors.base import BadRequest, Conflict, NotFound


class HostNotFound(NotFound):
    code = "hummingbird.host.not_found"
    sentence = "Host {name} could not be found."


class HostnameMissing(BadRequest):
    code = "hummingbird.host.hostname_missing"
    sentence = "Host-add Rejected. Must provide a hostname for a node of personality {personality}"


class HostnameInvalid(BadRequest):
    code = "hummingbird.host.hostname_invalid"
    sentence = (
        "Hostname {hostname!r} is not valid: it becomes a Kubernetes node name, so it may "
        "only contain lower-case letters, digits, hyphens and periods, begin and end with "
        "a letter or digit, be at most 63 characters, and be neither a number, an address "
        "or a UUID nor a controller's name."
    )


class HostnameTaken(BadRequest):
    code = "hummingbird.host.hostname_taken"
    sentence = "Host-add Rejected: Hostname already exists"


class MacMissing(BadRequest):
    code = "hummingbird.host.mac_missing"
    sentence = "Host-add Rejected: Must provide MAC Address of the host mgmt interface"


class MacInvalid(BadRequest):
    code = "hummingbird.host.mac_invalid"
    sentence = "Host-add Rejected: Must provide a valid format of a MAC Address"


class MacTaken(BadRequest):
    code = "hummingbird.host.mac_taken"
    sentence = "Host-add Rejected: Host with mgmt_mac {mac} already exists"


class PersonalityRefused(BadRequest):
    code = "hummingbird.host.personality_refused"
    sentence = (
        "{hostname}: Reject attempt to configure with invalid personality={personality} "
        "(this endpoint keeps edgeworkers only)"
    )


class AddressInvalid(BadRequest):
    code = "hummingbird.host.address_invalid"
    sentence = "{address!r} is not an IPv4 or IPv6 address."


class AddressTaken(Conflict):
    code = "hummingbird.host.address_taken"
    sentence = "Address {address} already belongs to host {holder}."


class AddressOutsideEveryNetwork(BadRequest):
    code = "hummingbird.host.address_outside_every_network"
    sentence = (
        "No known network contains {address}. Say how its hosts are reached first: "
        "hummingbird emn-add NAME --cidr CIDR --attachment routed"
    )


class AddressMissing(BadRequest):
    code = "hummingbird.host.address_missing"
    sentence = (
        "Host {hostname} can't be reached without a management address. Set one: "
        "system host-update {hostname} mgmt_ip=ADDRESS"
    )


class ActionUnknown(BadRequest):
    code = "hummingbird.host.action_unknown"
    sentence = "'{action}' is not a supported maintenance action"


class ActionRefused(BadRequest):
    code = "hummingbird.host.action_refused"
    sentence = "{message}"


class AlreadyLocked(BadRequest):
    code = "hummingbird.host.already_locked"
    sentence = "Avoiding lock action on already 'locked' host {hostname}"


class AlreadyUnlocked(BadRequest):
    code = "hummingbird.host.already_unlocked"
    sentence = "Avoiding 'unlock' action on already 'unlocked' host {hostname}"


class DeleteOfUnlocked(BadRequest):
    code = "hummingbird.host.delete_of_unlocked"
    sentence = (
        "Unable to complete the action delete because Host {hostname} is in "
        "administrative state = unlocked."
    )


class NotLocked(BadRequest):
    code = "hummingbird.host.not_locked"
    sentence = "Can not '{action}' an 'unlocked' host {hostname}; Please 'Lock' first"


class BoardMissing(BadRequest):
    code = "hummingbird.host.board_missing"
    sentence = (
        "Can not '{action}' host {hostname}: no board management controller is known that "
        "could do it. Name one (hummingbird host-board-set {hostname} redfish --address "
        "ADDRESS --user NAME), or press its button: it comes online by itself."
    )


class HostBusy(Conflict):
    code = "hummingbird.host.busy"
    sentence = (
        "Host {hostname} is being worked on ({purpose}); retry when that is done: "
        "hummingbird run-list --host {hostname}"
    )
    worth_a_retry = True


class HostGenerationConflict(Conflict):
    code = "hummingbird.host.generation_conflict"
    sentence = "Host {hostname} was changed by somebody else meanwhile; read it again."
    worth_a_retry = True


class TransitionRefused(Conflict):
    code = "hummingbird.host.transition_refused"
    sentence = "Host {hostname} is {state}; {event} can't happen there."


class NodeForeign(Conflict):
    code = "hummingbird.host.node_foreign"
    sentence = (
        "The node {hostname} in Kubernetes is not this host's: Hummingbird did not make it, "
        "and leaves it alone. Give the host a name that no other node has. If that node is "
        "what is left of this host, delete it first (kubectl delete node {hostname})."
    )


class HostFileInvalid(BadRequest):
    code = "hummingbird.host.file_invalid"
    sentence = "{message}"
