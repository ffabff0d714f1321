# SPDX-License-Identifier: Apache-2.0
"""One API server, spoken to in plain JSON.

The official client does what is hard to do right: kubeconfig files, their contexts,
certificates, tokens and login plugins, TLS, proxies, connection pools. Its generated
models are left out on purpose: importing them costs a second and 20 MB at start, and
they refuse an object in which the server leaves out a field that the schema wants.

Every failure comes out as `KubernetesUnavailable` (nobody's fault here, try later; its kind
`KubeconfigUnusable`: try when somebody has mended the file) or
`KubernetesRefused` (trying again changes nothing). Nothing is retried in here: callers
are reconcilers and runs, which come back by themselves. Each request is bounded in time and
bytes as a whole. Safe to use from many threads.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.adapters.kubernetes import kubeconfig
from hummingbird.errors import (
    KubeconfigUnusable,
    KubernetesRefused,
    KubernetesUnavailable,
)

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_PAGE = 500
"""Objects in one answer of a list; kubectl's own --chunk-size."""

_FACTOR = 6
"""One request may take so many times the time for one read, whatever comes in between."""

_MOST_BYTES = 64 * 1024 * 1024
"""Of one answer. A page of nodes with all their images has some 10 MB."""

_POOL = 16
"""Connections kept; more than the threads that a conductor has by default."""

_UNUSABLE = (OSError, ValueError, TypeError, KeyError, AttributeError)
"""What the client comes to where a file's parts are not what they should be."""

_LATER = frozenset({0, 408, 429, 500, 502, 503, 504})
"""Statuses that say "not now"; every other failure says "not like this"."""


@dataclass(frozen=True)
class Answer:
    """What the server said: an HTTP status and the JSON object that came with it."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The sentence of a Status object, or what stands in for it."""
        return str(self.body.get("message") or f"HTTP status {self.status}")


class Connection:
    """A lazily opened, shared way to one API server."""

    def __init__(
        self,
        kubeconfig: str | Path | None = None,
        *,
        context: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._kubeconfig = str(kubeconfig) if kubeconfig else None
        self._context = context
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: Any = None

    def request(
        self,
        method: str,
        path: str,
        *,
        action: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        expect: tuple[int, ...] = (),
    ) -> Answer:
        """Send one request; return the answer if it is a 2xx or one of `expect`.

        `action` completes "Kubernetes refused to …".

        :raises KubernetesUnavailable: no answer in time, or one that says "not now".
        :raises KubernetesRefused: any other answer.
        """
        answer = self._send(
            method, path, query=query or {}, body=body, content_type=content_type
        )
        if 200 <= answer.status < 300 or answer.status in expect:
            return answer
        if answer.status in (401, *_LATER):
            # The kubeconfig may have been replaced, with a certificate or a token.
            self._forget()
        if answer.status in _LATER:
            raise KubernetesUnavailable(message=answer.message)
        raise KubernetesRefused(action=action, message=answer.message)

    def find(self, path: str, *, action: str) -> Mapping[str, Any] | None:
        """Return the object at `path`, or None where there is none."""
        answer = self.request("GET", path, action=action, expect=(404,))
        return None if answer.status == 404 else answer.body

    def items(self, path: str, *, action: str, **query: str) -> Iterator[Any]:
        """Yield every object of a list, page by page.

        `query` has the API's own names: labelSelector, fieldSelector.
        """
        proceed = ""
        while True:
            wanted: dict[str, Any] = {**query, "limit": _PAGE}
            if proceed:
                wanted["continue"] = proceed
            page = self.request("GET", path, action=action, query=wanted).body
            yield from page.get("items") or ()
            proceed = (page.get("metadata") or {}).get("continue") or ""
            if not proceed:
                return

    def cluster(self) -> tuple[str, str | None]:
        """Return the kubeconfig's server URL and CA certificate (PEM, if it has one).

        :raises KubeconfigUnusable: there is no kubeconfig that can be used.
        """
        configuration = self._open().configuration
        authority = getattr(configuration, "ca_cert_data", None)
        if authority is None and configuration.ssl_ca_cert:
            authority = Path(configuration.ssl_ca_cert).read_bytes()
        text = authority.decode() if isinstance(authority, bytes) else authority
        return str(configuration.host), text

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any],
        body: Any,
        content_type: str,
    ) -> Answer:
        client = self._open()
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        configuration = client.configuration
        url = configuration.host.rstrip("/") + path
        if query:
            url += "?" + urlencode(query)
        headers = {"Accept": JSON, "User-Agent": "hummingbird"}
        if body is not None:
            headers["Content-Type"] = content_type
        secrets = _tokens(body)
        try:
            bearer = configuration.auth_settings().get("BearerToken")
            if bearer and bearer["value"]:
                headers["Authorization"] = bearer["value"]
                secrets.append(bearer["value"].split()[-1])
            with Exchange(
                seconds=_FACTOR * self._timeout_seconds, most_bytes=_MOST_BYTES
            ) as exchange:
                response = client.rest_client.request(
                    method,
                    url,
                    headers=headers,
                    body=body,
                    _request_timeout=self._timeout_seconds,
                )
                raw = response.read() if hasattr(response, "read") else response.data
                if exchange.trouble is not None:
                    raise OSError(exchange.trouble)
            if response.status >= 400:
                raw = _without(raw or "", secrets)
            return _answer(response.status, raw)
        except ApiException as error:
            if error.status:
                return _answer(error.status, _without(error.body or "", secrets))
            self._forget()
            raise KubernetesUnavailable(message=error.reason) from error
        except (HTTPError, OSError) as error:
            self._forget()
            raise KubernetesUnavailable(message=f"{url}: {error}") from error

    def _open(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _forget(self) -> None:
        with self._lock:
            self._client = None

    def _connect(self) -> Any:
        kubeconfig.check(self._kubeconfig)
        # Half a second of imports: only who speaks to a cluster pays.
        import yaml
        from kubernetes import client, config

        from hummingbird.adapters.bounded.http import bind_pools

        load: Any = config.new_client_from_config
        configuration = type.__call__(client.Configuration)
        configuration.retries = False
        configuration.connection_pool_maxsize = _POOL
        try:
            loaded = load(
                config_file=self._kubeconfig,
                context=self._context,
                client_configuration=configuration,
                persist_config=False,
            )
        except (*_UNUSABLE, config.ConfigException, yaml.YAMLError) as error:
            looked_at = kubeconfig.files(self._kubeconfig, os.environ)
            raise KubeconfigUnusable(
                path=", ".join(str(path) for path in looked_at),
                message=f"can't be used ({error})",
            ) from error
        bind_pools(loaded.rest_client.pool_manager)
        return loaded


def _tokens(body: Any) -> list[str]:
    """Return what a request says that no one else is to know: the token in a TokenReview."""
    token = (body.get("spec") or {}).get("token") if isinstance(body, dict) else None
    return [token] if isinstance(token, str) and token else []


def _without(said: bytes | str, secrets: list[str]) -> str:
    """Return what was said without secrets: a proxy may show a request again, and what is
    refused is told in runs and in the log."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _answer(status: int, raw: bytes | str) -> Answer:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
        body = {"message": text.strip()[:500]}
    return Answer(status, body if isinstance(body, dict) else {"value": body})
