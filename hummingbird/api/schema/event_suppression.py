# SPDX-License-Identifier: Apache-2.0
"""What a client sends to suppress an alarm id (StarlingX fault fm-rest-api
api/controllers/v1/event_suppression.py)."""

from hummingbird.errors import BadRequest

STATUSES = ("suppressed", "unsuppressed")


def parse_status(body: object) -> bool:
    """Return whether a JSON patch suppresses; of several operations the last one counts.

    `fm event-suppress` with several ids sends one operation more with each.

    :raises BadRequest: it is not a patch of suppression_status.
    """
    if not isinstance(body, list) or not body:
        raise BadRequest(message="The request's body must be a JSON patch.")
    for operation in body:
        if not isinstance(operation, dict) or operation.get("op") != "replace":
            raise BadRequest(message="The only operation here is replace.")
        name = str(operation.get("path", "")).removeprefix("/")
        if name in ("alarm_id", "description"):
            raise BadRequest(
                message=f"event_suppression parameter {name} is not allowed to be updated."
            )
        if name != "suppression_status":
            raise BadRequest(message="event_suppression invalid parameter.")
        if operation.get("value") not in STATUSES:
            raise BadRequest(
                message=(
                    "Invalid event_suppression parameter suppression_status values. "
                    "Valid values are: suppressed, unsuppressed"
                )
            )
    return bool(body[-1]["value"] == "suppressed")
