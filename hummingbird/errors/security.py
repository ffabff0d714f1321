# SPDX-License-Identifier: Apache-2.0
"""What the doors of this deployment refuse, and why they can't be opened."""

from hummingbird.errors.base import HummingbirdError, Unavailable


class KeystoneUnavailable(Unavailable):
    code = "hummingbird.keystone.unavailable"
    sentence = (
        "Keystone does not say whether the token is good ({message}); try again soon."
    )


class KeystoneMisconfigured(HummingbirdError):
    code = "hummingbird.keystone.misconfigured"
    sentence = "Keystone can't be asked as [{group}] says: {message}."


class ServiceTokenUnavailable(Unavailable):
    code = "hummingbird.keystone.no_token"
    sentence = "Keystone gives us no token for a neighbour: {message}."


class PolicyInvalid(HummingbirdError):
    code = "hummingbird.policy.invalid"
    sentence = "The policy file can't be used: {message}."


class CertificateInvalid(HummingbirdError):
    code = "hummingbird.certificate.invalid"
    sentence = "The API's certificate can't be used: {message}."


class PlainHttpRefused(HummingbirdError):
    code = "hummingbird.certificate.missing"
    sentence = (
        "Plain HTTP is for the loopback alone, and [api]bind is {bind}: leave [api]tls"
        " on, or bind 127.0.0.1."
    )


class SecretFileUnsafe(HummingbirdError):
    code = "hummingbird.secret_file.unsafe"
    sentence = (
        "{path} is not taken for a secret: {message}. Have it be a file of the user that"
        " runs this, which nobody else may write, and make anew what was in it."
    )


class StateDirectoryUnsafe(HummingbirdError):
    code = "hummingbird.state_directory.unsafe"
    sentence = (
        "The state directory {path} can't be used: {message}. Name one that is this"
        " user's alone ([DEFAULT]state_directory), or one that is not there yet."
    )


class PlaybooksNotConfined(HummingbirdError):
    code = "hummingbird.playbooks.not_confined"
    sentence = (
        "[provisioning]confinement_required names {missing}, which can't be had here:"
        " {message}."
    )
