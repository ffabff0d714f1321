# SPDX-License-Identifier: Apache-2.0
"""What every error is: a row of code, sentence, status and whether to try again."""

from typing import Any, ClassVar

from hummingbird.printable import plain


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
        # What a neighbour said may be among the facts.
        super().__init__(plain(self.sentence.format(**facts), has_lines=True))


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


class IdempotencyKeyReused(HummingbirdError):
    code = "hummingbird.idempotency_key_reused"
    status = 422
    sentence = (
        "This Idempotency-Key was sent with another request already; make a new one for "
        "each request that is not the same."
    )


class PreconditionFailed(HummingbirdError):
    code = "hummingbird.precondition_failed"
    status = 412
    sentence = (
        "{name} is not what the request's If-Match says any more: it was changed since it "
        "was read. Read it again."
    )


class Unavailable(HummingbirdError):
    code = "hummingbird.unavailable"
    status = 503
    sentence = "{message}"
    worth_a_retry = True
