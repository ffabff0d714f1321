# SPDX-License-Identifier: Apache-2.0
"""A token of Keystone for the command line, as OpenStack's own clients get theirs.

All OS_* variables of keystoneauth1's plugins are taken (OS_AUTH_TYPE, else password);
domains are Default unless said otherwise, as in StarlingX's clients. Its modules are
imported when a variable asks for Keystone and not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hummingbird.cli.failure import Failure

SERVICE_TYPE = "platform"
FAULT_SERVICE_TYPE = "faultmanagement"
_DOMAINS = ("user_domain_name", "project_domain_name")


@dataclass(frozen=True)
class Admission:
    """What Keystone gave."""

    token: str = field(repr=False)
    url: str | None
    """Where its catalogue says that the service is; None if it does not say."""
    fm_url: str | None


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the variables say that Keystone is to be asked."""
    return bool(environ.get("OS_AUTH_URL")) and not environ.get("OS_AUTH_TOKEN")


def admit(environ: Mapping[str, str]) -> Admission:
    """Return a token, and where the services are.

    :raises Failure: a variable is missing, or Keystone says no or nothing.
    """
    from keystoneauth1 import exceptions, loading, session

    kind = environ.get("OS_AUTH_TYPE") or "password"
    try:
        loader: Any = loading.get_plugin_loader(kind)
        said = {
            option.dest: environ[name]
            for option in loader.get_options()
            if (name := f"OS_{option.dest.upper()}") in environ
        }
        if kind.endswith("password"):
            for name in _DOMAINS:
                if name.replace("name", "id") not in said:
                    said.setdefault(name, "Default")
        asking: Any = session.Session(
            auth=loader.load_from_options(**said),
            verify=environ.get("OS_CACERT") or True,
            timeout=60,
        )
        where = {
            "interface": environ.get("OS_ENDPOINT_TYPE")
            or environ.get("OS_INTERFACE")
            or "public",
            "region_name": environ.get("OS_REGION_NAME"),
        }
        return Admission(
            token=asking.get_token(),
            url=asking.get_endpoint(service_type=SERVICE_TYPE, **where),
            fm_url=asking.get_endpoint(service_type=FAULT_SERVICE_TYPE, **where),
        )
    except exceptions.Unauthorized as error:
        raise Failure(
            f"Keystone at {environ['OS_AUTH_URL']} does not let"
            f" {environ.get('OS_USERNAME', 'you')} in: {error.message}"
        ) from error
    except exceptions.MissingRequiredOptions as error:
        names = ", ".join(f"OS_{o.dest.upper()}" for o in error.options)
        raise Failure(f"Keystone wants more variables: {names}") from error
    except exceptions.ClientException as error:
        raise Failure(
            f"Keystone at {environ['OS_AUTH_URL']} can't be asked: {error}"
        ) from error
