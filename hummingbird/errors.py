# SPDX-License-Identifier: Apache-2.0
"""Every error that Hummingbird raises on purpose.

    HummingbirdError                 500
    ├── BadRequest                   400  the caller's words are wrong, or refused for a reason
    ├── NotAuthenticated             401
    ├── Forbidden                    403
    ├── NotFound                     404
    ├── Conflict                     409  the request met somebody else's change
    └── Unavailable                  503  a neighbour did not answer; nobody's fault here

A class is a row: `code` is stable and never reused (clients branch on it), `sentence` is
what a person reads, filled with facts, `status` is read in one place (api/fault.py) and
`worth_a_retry` says whether the same call may go through later. Facts are plain data, so
that an error crosses RPC unchanged.
"""

from typing import Any, ClassVar


class HummingbirdError(Exception):
    """The root; also what an unforeseen failure is shown as."""

    code: ClassVar[str] = "hummingbird.internal"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = (
        "Something went wrong inside Hummingbird; its log says more."
    )
    worth_a_retry: ClassVar[bool] = False

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.sentence.format(**facts))


class BadRequest(HummingbirdError):
    code = "hummingbird.bad_request"
    status = 400
    sentence = "{message}"


class BodyTooLarge(BadRequest):
    code = "hummingbird.body_too_large"
    status = 413
    sentence = "The request's body is larger than {limit} bytes."


class NotAuthenticated(HummingbirdError):
    code = "hummingbird.not_authenticated"
    status = 401
    sentence = "Authentication is required: send a valid X-Auth-Token."


class Forbidden(HummingbirdError):
    code = "hummingbird.forbidden"
    status = 403
    sentence = "{user} is not allowed to {action}."


class NotFound(HummingbirdError):
    code = "hummingbird.not_found"
    status = 404
    sentence = "{kind} {name} could not be found."


class Conflict(HummingbirdError):
    code = "hummingbird.conflict"
    status = 409
    sentence = "{message}"


class Unavailable(HummingbirdError):
    code = "hummingbird.unavailable"
    status = 503
    sentence = "{message}"
    worth_a_retry = True


# --- hosts ---------------------------------------------------------------------------
# The sentences of refusals that upstream has too are upstream's own, word for word
# (StarlingX config, sysinv/api/controllers/v1/host.py): operators know them.


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
        "a letter or digit, and be at most 63 characters."
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
        "Can not unlock host {hostname} without a management address. Set one: "
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
    sentence = "Avoiding unlock action on already 'unlocked' host {hostname}"


class DeleteOfUnlocked(BadRequest):
    code = "hummingbird.host.delete_of_unlocked"
    sentence = (
        "Unable to complete the action delete because Host {hostname} is in "
        "administrative state = unlocked."
    )


class NotLocked(BadRequest):
    code = "hummingbird.host.not_locked"
    sentence = "Can not '{action}' an 'unlocked' host {hostname}; Please 'Lock' first"


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


# --- networks, credentials, runs ----------------------------------------------------


class EmnInvalid(BadRequest):
    code = "hummingbird.emn.invalid"
    sentence = "{message}"


class EmnTaken(Conflict):
    code = "hummingbird.emn.taken"
    sentence = "EMN {name} overlaps or has the name of {holder}."


class EmnInUse(Conflict):
    code = "hummingbird.emn.in_use"
    sentence = "EMN {name} still has {count} hosts; delete those first."


class CredentialInvalid(BadRequest):
    code = "hummingbird.credential.invalid"
    sentence = "{message}"


class CredentialTaken(Conflict):
    code = "hummingbird.credential.taken"
    sentence = "A credential named {name} exists already."


class CredentialInUse(Conflict):
    code = "hummingbird.credential.in_use"
    sentence = "Credential {name} is used by {count} hosts or networks."


class CredentialMissing(BadRequest):
    code = "hummingbird.credential.missing"
    sentence = (
        "No credential says how to get into host {hostname}. Add one: "
        "hummingbird credential-add default --user USER --private-key FILE"
    )


class SecretUnreadable(HummingbirdError):
    code = "hummingbird.credential.secret_unreadable"
    sentence = (
        "A stored secret can't be read with this deployment's key file; restore the key "
        "or enter the credential again."
    )


class RunNotFound(NotFound):
    code = "hummingbird.run.not_found"
    sentence = "Run {name} could not be found."


class RunFailed(HummingbirdError):
    """A step of a run failed; `step` and `message` say which and how."""

    code = "hummingbird.run.failed"
    sentence = "{step}: {message}"
    worth_a_retry = True


class RunTakenOverTooOften(HummingbirdError):
    code = "hummingbird.run.too_many_takeovers"
    sentence = "{attempts} conductors ended in the middle of this run"
    worth_a_retry = True


class HostUnreachable(Unavailable):
    code = "hummingbird.host.unreachable"
    sentence = "Host {hostname} does not answer at {address}: {message}"


class HostKeyChanged(HummingbirdError):
    code = "hummingbird.host.key_changed"
    sentence = (
        "Host {hostname} shows another SSH host key than at first contact. If it was "
        "installed anew, say so: hummingbird host-update {hostname} --forget-host-key; "
        "if not, somebody stands in between."
    )


class AlarmIdUnknown(BadRequest):
    code = "hummingbird.alarm.id_unknown"
    sentence = (
        "Alarm {alarm_id} is not in the catalogue of alarms (StarlingX's events.yaml), so "
        "it can not be set; a log of that id can be written."
    )


# --- neighbours ----------------------------------------------------------------------


class KubernetesUnavailable(Unavailable):
    code = "hummingbird.kubernetes.unavailable"
    sentence = "The Kubernetes API does not answer: {message}"


class KubernetesRefused(HummingbirdError):
    code = "hummingbird.kubernetes.refused"
    sentence = "Kubernetes refused to {action}: {message}"


class FaultManagerUnavailable(Unavailable):
    code = "hummingbird.fm.unavailable"
    sentence = "StarlingX's fault management does not answer: {message}"


class FaultManagerRefused(HummingbirdError):
    code = "hummingbird.fm.refused"
    sentence = "StarlingX's fault management does not take a message: {message}"


class ConductorUnavailable(Unavailable):
    code = "hummingbird.conductor.unavailable"
    sentence = "No conductor answers: {message}"


class DatabaseUnavailable(Unavailable):
    code = "hummingbird.database.unavailable"
    sentence = "The database does not answer: {message}"


class TokenRefused(NotAuthenticated):
    code = "hummingbird.agent.token_refused"
    sentence = "The service-account token was refused: {message}"


class SessionUnknown(NotAuthenticated):
    code = "hummingbird.agent.session_unknown"
    sentence = "The session is not known or has ended; start a new one."


class ReportInvalid(BadRequest):
    code = "hummingbird.agent.report_invalid"
    sentence = "{message}"
