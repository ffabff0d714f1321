# SPDX-License-Identifier: Apache-2.0
"""Why a process may not take part in a deployment."""

from hummingbird.errors.base import HummingbirdError


class DeploymentKeyMissing(HummingbirdError):
    code = "hummingbird.deployment.key_missing"
    sentence = (
        "This database belongs to a deployment (identity {identity}) whose sealing key is"
        " not in {path}. On a controller that has it: hummingbird deployment-export FILE;"
        " here: hummingbird deployment-import FILE."
    )


class DeploymentForeign(HummingbirdError):
    code = "hummingbird.deployment.foreign"
    sentence = (
        "{path} is the sealing key of another deployment (identity {own}) than the"
        " database's (identity {identity}). If this controller is to join it: on one of its"
        " controllers hummingbird deployment-export FILE, here hummingbird"
        " deployment-import FILE --replace."
    )


class DeploymentFileInvalid(HummingbirdError):
    code = "hummingbird.deployment.file_invalid"
    sentence = "{path} is no file of hummingbird deployment-export: {message}."


class DeploymentFileExists(HummingbirdError):
    code = "hummingbird.deployment.file_exists"
    sentence = "{path} exists already; name a new file."


class DeploymentNotStarted(HummingbirdError):
    code = "hummingbird.deployment.not_started"
    sentence = "There is no {path}: no process has been started here yet."


class DeploymentNotShared(HummingbirdError):
    code = "hummingbird.deployment.not_shared"
    sentence = "{what} is nothing that a deployment shares here; these are: {known}."
