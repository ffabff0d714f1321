# SPDX-License-Identifier: Apache-2.0
"""Talks REST to the server and turns each of its refusals into one sentence.

A command that may have been carried out is not repeated, but for what adds something: the
server knows it again by its key, and answers as the first time.
`requests` is imported with the first call, so that help and completion start fast.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from hummingbird.cli.endpoint import KEYSTONE, Endpoint, is_loopback
from hummingbird.cli.failure import Failure, Unreachable
from hummingbird.printable import printable

if TYPE_CHECKING:
    from requests import Response

TIMEOUT_SECONDS = 60.0
"""How long one answer may take; twice the longest wait of the server's long poll."""

Query = Mapping[str, str | int | float | bool | list[str] | None]


def path(*words: object) -> str:
    """Return the path with these words, each quoted: a host's name can't leave it."""
    return "/v1/" + "/".join(quote(str(word), safe="") for word in words)


class Client:
    """One server, over one kept-open connection; not to be shared between threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.tag: str | None = None
        """Entity tag of what the last answer showed, without quotes."""
        self._session: Any = None

    def get(self, where: str, **query: Any) -> Any:
        """Return the parsed body; arguments that are None are not sent."""
        return self._call("GET", where, query=query)

    def post(self, where: str, body: object, **query: Any) -> Any:
        """Send `body` as JSON and return the parsed body of the answer.

        If no answer comes it is sent once more; the server carries it out once.
        """
        headers = {"Idempotency-Key": str(uuid4())}
        try:
            return self._call("POST", where, query=query, body=body, headers=headers)
        except Unreachable:
            return self._call("POST", where, query=query, body=body, headers=headers)

    def upload(self, where: str, *, field: str, content: bytes) -> Any:
        """Send a file in a form and return the parsed body of the answer."""
        mark = uuid4().hex
        head = (
            f"--{mark}\r\nContent-Disposition: form-data;"
            f' name="{field}"; filename="for_upload"\r\n\r\n'
        )
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return self._call("POST", where, body=body, headers=headers)

    def patch(self, where: str, body: object, *, if_match: str | None = None) -> Any:
        """Send `body` as JSON and return the parsed body of the answer.

        :param if_match: the entity tag that it must have, or the server refuses.
        """
        headers = {} if if_match is None else {"If-Match": _quoted(if_match)}
        return self._call("PATCH", where, body=body, headers=headers)

    def delete(self, where: str) -> None:
        """Delete what is there."""
        self._call("DELETE", where)

    def _call(
        self,
        method: str,
        where: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        answer = self._send(method, where, query=query, body=body, headers=headers)
        if answer.status_code == 401:
            if self.endpoint.token_from == KEYSTONE:
                raise Failure(
                    f"{self.endpoint.url} does not take the token that Keystone gave:"
                    " does it ask the same Keystone ([api]auth_strategy)?",
                    code=refusal(answer.text)[1],
                )
            raise Failure(
                f"{self.endpoint.url} refuses the token from"
                f" {self.endpoint.token_from}. It made its own at its first start:"
                " the file token in its state directory (--token-file FILE)",
                code=refusal(answer.text)[1],
            )
        if not answer.ok:
            sentence, code = refusal(answer.text)
            raise Failure(
                sentence or f"{method} {where}: status {answer.status_code}", code=code
            )
        self.tag = (answer.headers.get("ETag") or "").strip('"') or None
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise Failure(
                f"{self.endpoint.url} is not a Hummingbird server."
            ) from error

    def _send(
        self,
        method: str,
        where: str,
        *,
        query: Query | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> "Response":
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.headers["X-Auth-Token"] = self.endpoint.token
            # A proxy for the world outside can't know this machine's own addresses.
            self._session.trust_env = not is_loopback(self.endpoint.url)
        ca_file = self.endpoint.ca_file
        try:
            answer: Response = self._session.request(
                method,
                self.endpoint.url + where,
                params={k: v for k, v in (query or {}).items() if v is not None},
                json=None if isinstance(body, bytes) else body,
                data=body if isinstance(body, bytes) else None,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                # Said with each call: a variable of the environment would go before
                # what the session says.
                verify=None if ca_file is None else str(ca_file),
                # The token is for this server and no other.
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise Unreachable(
                f"{self.endpoint.url} did not answer within {TIMEOUT_SECONDS:g} s."
            ) from error
        except requests.exceptions.SSLError as error:
            raise Failure(
                f"The certificate of {self.endpoint.url} can't be checked, so nothing"
                f" was sent to it ({_reason(error)}). Name the file with its authority:"
                " --ca-file FILE; the server's state directory has it as pki/ca.crt"
            ) from error
        except requests.ConnectionError as error:
            if self.endpoint.url.startswith("http:"):
                raise Unreachable(
                    f"{self.endpoint.url} does not answer in plain HTTP. A server speaks"
                    " TLS unless told otherwise: say https:// in --url,"
                    " HUMMINGBIRD_URL or SYSTEM_URL"
                ) from error
            raise Unreachable(
                f"Nobody answers at {self.endpoint.url}. Is it running? Start it:"
                " hummingbird up. If it is elsewhere, say where: --url URL"
            ) from error
        except requests.RequestException as error:
            raise Failure(f"{self.endpoint.url}: {error}") from error
        except OSError as error:
            # The file with the authority is missing, or not for this user.
            raise Failure(str(error)) from error
        return answer


def _quoted(tag: str) -> str:
    return tag if tag == "*" else '"' + tag.strip('"') + '"'


def refusal(text: str) -> tuple[str, str | None]:
    """Return the sentence and the stable code of an error's body.

    The body is {"error_message": …} with a JSON object in a string (the form of
    StarlingX's sysinv), the same object itself, or only text (the form of its FM).
    """
    try:
        message: Any = json.loads(text)["error_message"]
        if isinstance(message, str):
            try:
                message = json.loads(message)
            except ValueError:
                return printable(message.strip()), None
        return printable(str(message["faultstring"]).strip()), message.get("code")
    except (ValueError, KeyError, TypeError):
        return "", None


def _reason(error: Exception) -> str:
    """Return what OpenSSL says, out of the three exceptions that it is wrapped in."""
    found = re.search(r"certificate verify failed: ([^(]+?)\s*\(_ssl", str(error))
    return found[1] if found else "it does not speak TLS as we do"
