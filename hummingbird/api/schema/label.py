# SPDX-License-Identifier: Apache-2.0
"""What a client sends to give a host labels."""

from collections.abc import Mapping
from typing import Any, Final

from hummingbird.api.schema.attribute import Schema
from hummingbird.api.schema.text import boolean, invalid
from hummingbird.domain.label import NAME_MAX, PREFIX_MAX, check_label
from hummingbird.errors import BadRequest


def parse_labels(body: object) -> dict[str, str]:
    """Return key and value of each label that `body`, an object of texts, has.

    :raises BadRequest, LabelInvalid, LabelReserved: something in it can't be a label.
    """
    if not isinstance(body, Mapping) or not body:
        raise BadRequest(message="Labels are an object of keys and values.")
    labels: dict[str, str] = {}
    for key, value in body.items():
        if not isinstance(value, str):
            raise invalid("label", str(key)[:80], value, should="a text")
        check_label(key, value)
        labels[key] = value
    return labels


def parse_overwrite(arguments: Mapping[str, Any]) -> bool:
    """Return whether labels that are there get new values.

    :raises BadRequest: the word is neither true nor false.
    """
    given = arguments.get("overwrite")
    return False if given is None else boolean("label", "overwrite", given)


class _Labels:
    """An object of keys and values."""

    schema: Final[Schema] = {
        "type": "object",
        "description": "Keys and values, as Kubernetes' labels are made.",
        "minProperties": 1,
        "propertyNames": {"maxLength": PREFIX_MAX + 1 + NAME_MAX},
        "additionalProperties": {"type": "string", "maxLength": NAME_MAX},
    }


LABELS: Final = _Labels()
