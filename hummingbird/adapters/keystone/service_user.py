# SPDX-License-Identifier: Apache-2.0
"""A user of Keystone that we are, where a neighbour wants to know who calls.

What to say is in the neighbour's own group of options, under the names that every service
of OpenStack has for it (auth_type, auth_url, username, password, project_name, …; or
auth_section, the group that has them). The token is fetched when it is first needed, and
again before it ends. It is never written anywhere.
"""

from pathlib import Path
from typing import Any, Final

from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.conf import Conf
from hummingbird.errors import KeystoneMisconfigured, ServiceTokenUnavailable

CALL_FACTOR: Final = 3
"""One call may take so many times the time for one read."""
ANSWER_BYTES: Final = 4 * 1024 * 1024
"""A token with its catalog of services has some 100 kB."""


class ServiceUser:
    """One user; not to be shared between threads."""

    def __init__(self, session: Any, *, errors: type[Exception]) -> None:
        self._session = session
        self._errors = errors

    def token(self) -> str:
        """Return a token that is good for a while.

        :raises ServiceTokenUnavailable: Keystone is away, or gives none.
        """
        try:
            return str(self._session.get_token())
        except self._errors as error:
            raise ServiceTokenUnavailable(message=type(error).__name__) from error

    def renew(self) -> None:
        """Forget the token: somebody has refused it."""
        self._session.invalidate()


def service_user(
    conf: Conf, group: str, *, ca_file: Path | None, timeout_seconds: float
) -> ServiceUser | None:
    """Return the user that a group of options describes; None if it names none.

    :raises KeystoneMisconfigured: it does not say enough.
    """
    # A quarter of a second of imports: only who calls such a neighbour pays.
    from keystoneauth1 import exceptions, loading, session

    from hummingbird.adapters.bounded.http import bounded_session

    loading.register_auth_conf_options(conf, group)
    if not (conf[group].auth_type or conf[group].auth_section):
        return None
    try:
        user = loading.load_auth_from_conf_options(conf, group)
    except exceptions.ClientException as error:
        raise KeystoneMisconfigured(group=group, message=error) from error
    verify = str(ca_file) if ca_file else True
    plain = bounded_session(
        lambda: Exchange(seconds=CALL_FACTOR * timeout_seconds, most_bytes=ANSWER_BYTES)
    )
    plain.trust_env = True  # a proxy may lead to Keystone, as for every client of it
    return ServiceUser(
        session.Session(
            auth=user, verify=verify, timeout=timeout_seconds, session=plain
        ),
        errors=exceptions.ClientException,
    )
