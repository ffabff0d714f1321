# SPDX-License-Identifier: Apache-2.0
"""Who asks for something, passed along and never looked up."""

from dataclasses import dataclass, field
from uuid import uuid4


def new_request_id() -> str:
    """Return an id for one request, in OpenStack's form: req-<uuid>."""
    return f"req-{uuid4()}"


@dataclass(frozen=True)
class RequestContext:
    """One caller and one request."""

    user: str
    roles: tuple[str, ...] = ()
    project: str | None = None
    request_id: str = field(default_factory=new_request_id)


SYSTEM = RequestContext(user="hummingbird", roles=("admin",), request_id="system")
"""What Hummingbird does by itself."""
