# SPDX-License-Identifier: Apache-2.0
"""Board management controllers that do not do as they are told."""

from hummingbird.errors.base import BadRequest, HummingbirdError, Unavailable


class BoardUnavailable(Unavailable):
    code = "hummingbird.board.unavailable"
    sentence = (
        "The board management controller of {hostname} at {address} does not answer: "
        "{message}"
    )


class BoardRefused(HummingbirdError):
    code = "hummingbird.board.refused"
    sentence = (
        "The board management controller of {hostname} at {address} does not do it: "
        "{message}"
    )


class BoardCertificateChanged(HummingbirdError):
    code = "hummingbird.board.certificate_changed"
    sentence = (
        "What answers at {address} for the board of {hostname} has another certificate "
        "than at first contact. If the board was replaced, give its password anew: "
        "hummingbird host-board-set {hostname} redfish --address {address} --user NAME"
    )


class SecretElsewhere(BadRequest):
    code = "hummingbird.host.secret_elsewhere"
    sentence = (
        "Host-update Rejected: {user} may not change {names} of host {hostname}, since a"
        " stored secret would go elsewhere than where it was given for. Give the board's"
        " bm_password along with its change, or have it done by a configurator."
    )


class BoardPasswordElsewhere(BoardRefused):
    code = "hummingbird.board.password_elsewhere"
    sentence = (
        "The stored password was not given for the board of {hostname} at {address}. Give"
        " it anew: hummingbird host-board-set {hostname} redfish --address {address} --user"
        " NAME"
    )
