# SPDX-License-Identifier: Apache-2.0
"""/v1/apps: what Hummingbird keeps installed in Kubernetes, which `system
application-list` asks for. It is applied whenever a host needs it, and not by hand."""

from typing import Any

from hummingbird import __version__
from hummingbird.api.http.call import Call
from hummingbird.api.view.application import application_view
from hummingbird.db.repository import application
from hummingbird.domain.application import Application, ApplicationStatus
from hummingbird.errors import BadRequest, NotDoneHere, NotFound


def list_all(call: Call) -> Any:
    """GET /v1/apps"""
    return {"apps": [application_view(_agents(call))]}


def get(call: Call) -> Any:
    """GET /v1/apps/{app}"""
    return application_view(_named(call))


def upload(call: Call) -> Any:
    """POST /v1/apps

    :raises NotDoneHere: always.
    """
    call.json_object()
    raise NotDoneHere(
        message=(
            "Application-upload rejected: Hummingbird installs what its hosts need and "
            "takes no others; use helm for yours."
        )
    )


def direct(call: Call) -> Any:
    """PATCH /v1/apps/{app}?directive=: apply looks at it now

    :raises NotDoneHere: it is to be removed, or to be left half done.
    """
    given = call.arguments("directive", "force")
    call.json_object()
    found = _named(call)
    directive = given.get("directive")
    if directive == "apply":
        call.dependencies.hurry("agent")
        return application_view(found)
    if directive in ("remove", "abort"):
        raise _kept(found, directive)
    raise BadRequest(message=f"Unsupported directive: {str(directive)[:40]}")


def remove(call: Call) -> Any:
    """DELETE /v1/apps/{app}

    :raises NotDoneHere: always.
    """
    raise _kept(_named(call), "delete")


def _kept(found: Application, word: str) -> NotDoneHere:
    return NotDoneHere(
        message=(
            f"Application-{word} rejected: {found.name} is kept installed while hosts "
            "need it; they could not be heard without it."
        )
    )


def _named(call: Call) -> Application:
    found = _agents(call)
    if call.name != found.name:
        raise NotFound(kind="Application", name=call.name)
    return found


def _agents(call: Call) -> Application:
    conf = call.dependencies.conf.agents
    with call.dependencies.database.reader() as connection:
        found = application.find(connection, str(conf.release))
    return found or Application(
        name=str(conf.release),
        app_version=str(conf.tag or __version__),
        status=ApplicationStatus.UPLOADED,
        progress=None,
        changed_at=None,
    )
