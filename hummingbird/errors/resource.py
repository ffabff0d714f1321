# SPDX-License-Identifier: Apache-2.0
"""Refusals of networks, credentials, runs and alarms."""

from hummingbird.errors.base import (
    BadRequest,
    Conflict,
    HummingbirdError,
    NotFound,
    Unavailable,
)


class EmnInvalid(BadRequest):
    code = "hummingbird.emn.invalid"
    sentence = "{message}"


class EmnTaken(Conflict):
    code = "hummingbird.emn.taken"
    sentence = "EMN {name} overlaps or has the name of {holder}."


class EmnInUse(Conflict):
    code = "hummingbird.emn.in_use"
    sentence = "EMN {name} still has hosts ({count}); delete those first."


class EmnGenerationConflict(Conflict):
    code = "hummingbird.emn.generation_conflict"
    sentence = "EMN {name} was changed by somebody else meanwhile; read it again."
    worth_a_retry = True


class ProcessAlive(Conflict):
    code = "hummingbird.process.alive"
    sentence = (
        "Process {name} is up, or has not been silent for long enough; only one that is "
        "down is deleted."
    )
    worth_a_retry = True


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
        "Host {hostname} shows another SSH host key than is pinned. If it was installed "
        "anew, say its new one: hummingbird host-update {hostname} --host-key KEY (or, to "
        "believe whoever answers next, --forget-host-key); if not, somebody stands in "
        "between."
    )


class HostKeyNotPinned(BadRequest):
    code = "hummingbird.host.key_not_pinned"
    sentence = (
        "Host {hostname} would be told a password before its SSH host key is known. Give"
        " the key that /etc/ssh/ssh_host_ed25519_key.pub on it says (hummingbird"
        " host-update {hostname} --host-key 'ssh-ed25519 AAAA…'), or use a credential that"
        " has a private key and no password, or one that was added with"
        " --password-on-first-contact."
    )


class HostKeyInvalid(BadRequest):
    code = "hummingbird.host.key_invalid"
    sentence = (
        "host_key should be one public SSH host key, as a line of"
        " /etc/ssh/ssh_host_*_key.pub says it: {types}, and its base64."
    )


class AlarmIdUnknown(BadRequest):
    code = "hummingbird.alarm.id_unknown"
    sentence = (
        "Alarm {alarm_id} is not in the catalogue of alarms (StarlingX's events.yaml), so "
        "it can not be set; a log of that id can be written."
    )


class NotDoneHere(BadRequest):
    """What sysinv's clients may ask for and Hummingbird does another way, or not at all."""

    code = "hummingbird.not_done_here"
    sentence = "{message}"
