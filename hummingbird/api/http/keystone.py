# SPDX-License-Identifier: Apache-2.0
"""The door that Keystone keeps: keystonemiddleware's auth_token, as every service of
OpenStack has it, with [keystone_authtoken] as its options.

It runs around an application that does nothing, so that what it refuses is told in our
words and not in its own. A token that Keystone has confirmed is known for
`token_cache_time` (300 s) more: who is in goes on while Keystone is away, and who was
revoked may go on that long. Without memcached the tokens are kept here, once for all
threads. To know a token again takes a fifth of a millisecond.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.context import RequestContext
from hummingbird.errors import (
    KeystoneMisconfigured,
    KeystoneUnavailable,
    NotAuthenticated,
)

LOG = logging.getLogger(__name__)

GROUP: Final = "keystone_authtoken"
TIMEOUT_SECONDS: Final = 10
"""For one connection to Keystone, unless http_connect_timeout says otherwise; a worker
waits for it."""
MOST_TOKENS: Final = 1024
_CACHE: Final = "hummingbird.tokens"


class TokenCache:
    """What Keystone said of tokens, in the manner of a memcached client; bounded, the
    oldest goes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, bytes]] = {}

    def get(self, key: str) -> bytes | None:
        """Return what was set, if it is still good."""
        with self._lock:
            until, value = self._known.get(key, (0.0, b""))
        return value if self._clock.monotonic() < until else None

    def set(self, key: str, value: bytes, time: float = 0) -> None:
        """Keep `value` for `time` seconds."""
        with self._lock:
            self._known.pop(key, None)
            while len(self._known) >= MOST_TOKENS:
                del self._known[next(iter(self._known))]
            self._known[key] = (self._clock.monotonic() + time, value)


class KeystoneDoor:
    """Asks Keystone, and remembers."""

    def __init__(self, conf: Conf, clock: Clock) -> None:
        """
        :raises KeystoneMisconfigured: [keystone_authtoken] does not say enough.
        """
        # Half a second of imports; a deployment of its own has no Keystone.
        from keystoneauth1.exceptions import ClientException
        from keystonemiddleware import auth_token

        self._errors = ClientException
        self._cache = TokenCache(clock)
        options = _options(conf, auth_token)
        self.challenge: str | None = (
            f'Keystone uri="{options.www_authenticate_uri or options.auth_url}"'
        )
        own: dict[str, Any] = {
            "oslo_config_config": conf,
            "www_authenticate_uri": options.www_authenticate_uri or options.auth_url,
            "delay_auth_decision": False,
        }
        if not options.memcached_servers:
            own["cache"] = _CACHE
        try:
            self._middleware = auth_token.AuthProtocol(_let_through, own)
        except (ClientException, auth_token.ConfigurationError) as error:
            raise KeystoneMisconfigured(group=GROUP, message=error) from error

    def let_in(self, environ: Mapping[str, Any]) -> RequestContext:
        """Return whom Keystone says that the token is of."""
        if not environ.get("HTTP_X_AUTH_TOKEN"):
            raise NotAuthenticated()
        # The middleware writes into it what it found.
        told = {**environ, _CACHE: self._cache}
        statuses: list[str] = []
        try:
            self._middleware(told, lambda status, *_: statuses.append(status))
        except self._errors as error:
            LOG.warning("Keystone can't be asked: %s", error)
            raise KeystoneUnavailable(message=type(error).__name__) from error
        status = statuses[-1][:3]
        if status == "401":
            raise NotAuthenticated()
        said = told.get("keystone.token_info")
        if status != "200" or said is None:
            raise KeystoneUnavailable(message=f"status {status}")
        return _context(said["token"])


def _let_through(environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return []


def _options(conf: Conf, auth_token: Any) -> Any:
    """Return the options, registered, with our defaults where the middleware would wait
    for ever."""
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group=group)
    conf.set_default("http_connect_timeout", TIMEOUT_SECONDS, group=GROUP)
    conf.set_default("http_request_max_retries", 1, group=GROUP)
    section = conf[GROUP].auth_section or GROUP
    from keystoneauth1 import loading
    from keystoneauth1.exceptions import NoMatchingPlugin

    loading.register_auth_conf_options(conf, section)
    plugin = conf[section].auth_type
    if not plugin:
        raise KeystoneMisconfigured(
            group=GROUP, message=f"[{section}]auth_type is not set"
        )
    try:
        loader: Any = loading.get_plugin_loader(plugin)
    except NoMatchingPlugin as error:
        raise KeystoneMisconfigured(group=GROUP, message=error) from error
    conf.register_opts(loading.get_auth_plugin_conf_options(loader), group=section)
    return _Said(conf, section)


class _Said:
    """What the options say, wherever they are."""

    def __init__(self, conf: Conf, section: str) -> None:
        self.www_authenticate_uri = conf[GROUP].www_authenticate_uri
        self.memcached_servers = conf[GROUP].memcached_servers
        self.auth_url = conf[section].get("auth_url")


def _context(token: Mapping[str, Any]) -> RequestContext:
    user = token["user"]
    project = token.get("project") or {}
    return RequestContext(
        user=user["name"],
        user_id=user["id"],
        user_domain_id=(user.get("domain") or {}).get("id"),
        roles=tuple(sorted(role["name"] for role in token.get("roles", ()))),
        project=project.get("name"),
        project_id=project.get("id"),
        project_domain_id=(project.get("domain") or {}).get("id"),
        system_scope="all" if (token.get("system") or {}).get("all") else None,
    )
