# SPDX-License-Identifier: Apache-2.0
"""Refusals of labels; the sentences that upstream has too are upstream's (StarlingX config,
sysinv/api/controllers/v1/label.py)."""

from hummingbird.errors.base import BadRequest


class LabelInvalid(BadRequest):
    code = "hummingbird.label.invalid"
    sentence = "Label {what} is not one that Kubernetes takes: {rule}."


class LabelReserved(BadRequest):
    code = "hummingbird.label.reserved"
    sentence = (
        "Label {key} is not yours to set: {prefix} is kept for the system itself."
    )


class LabelTaken(BadRequest):
    code = "hummingbird.label.taken"
    sentence = (
        "Label {key} exists for host {hostname}. Use overwrite option to assign a new "
        "value."
    )


class LabelsTooMany(BadRequest):
    code = "hummingbird.label.too_many"
    sentence = "Host {hostname} can have at most {limit} labels."


class LabelNeedsLock(BadRequest):
    code = "hummingbird.label.needs_lock"
    sentence = "Host {hostname} must be locked for label(s)={keys}."


class LabelNotFound(BadRequest):
    """400, not 404: upstream's clients know it so."""

    code = "hummingbird.label.not_found"
    sentence = "No label found for {name}"
