# SPDX-License-Identifier: Apache-2.0
"""Who asks for something, passed along and never looked up, but by the log."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from uuid import uuid4


def new_request_id() -> str:
    """Return an id for one request, in OpenStack's form: req-<uuid>."""
    return f"req-{uuid4()}"


@dataclass(frozen=True)
class RequestContext:
    """One caller and one request."""

    user: str
    """Name of the caller, as people know it."""
    roles: tuple[str, ...] = ()
    project: str | None = None
    """Name of the project that the roles are of."""
    user_id: str | None = None
    project_id: str | None = None
    user_domain_id: str | None = None
    project_domain_id: str | None = None
    system_scope: str | None = None
    request_id: str = field(default_factory=new_request_id)

    @cached_property
    def credentials(self) -> tuple[tuple[str, object], ...]:
        """What a rule of oslo.policy may ask of the caller, under the names that
        OpenStack gives it. The roles are a tuple."""
        return (
            ("user_id", self.user_id),
            ("user_name", self.user),
            ("user_domain_id", self.user_domain_id),
            ("project_id", self.project_id),
            ("project_name", self.project),
            ("project_domain_id", self.project_domain_id),
            ("system_scope", self.system_scope),
            ("roles", self.roles),
        )


CURRENT: ContextVar[RequestContext | None] = ContextVar("context", default=None)
"""For whom this thread works now. The log alone looks here."""

SYSTEM = RequestContext(
    user="hummingbird", roles=("admin",), project="services", request_id="system"
)
"""What Hummingbird does by itself."""
