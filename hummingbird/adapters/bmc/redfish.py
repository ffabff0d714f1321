# SPDX-License-Identifier: Apache-2.0
"""Boards that speak Redfish (DMTF DSP0266), by sushy.

Boards come with certificates that nobody has signed. So the certificate of a board's
first contact is pinned, as an SSH host key is, and another one later is refused; where
an authority vouches for them (`[bmc]ca_file`) its word counts, and nothing is pinned.
Each call logs in by itself (HTTP basic authentication inside TLS): a board keeps few
sessions, and one that is not ended blocks its web page.

A board is not trusted: a call ends within CALL_ANSWERS times the time for one answer and
hears ANSWER_BYTES at most, whatever the board does; and user and password go to the board's
own address and port inside TLS, wherever its resources and redirects lead.
"""

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from hummingbird.adapters.bmc.board import BoardAccess, Order, Power
from hummingbird.adapters.bounded.exchange import Exchange
from hummingbird.errors import BoardCertificateChanged, BoardRefused, BoardUnavailable

MESSAGE_MAX: Final = 200
CALL_ANSWERS: Final = 4
"""A call is three answers (service root, systems, system) and an order's."""
ANSWER_BYTES: Final = 2 * 1024 * 1024
"""Of all answers of one call. Large ones (a system with all its links) have some 50 kB."""

_POWER: Final = {"On": Power.ON, "Off": Power.OFF}
_RESETS: Final = {
    Order.ON: ("On", "ForceOn"),
    Order.SHUTDOWN: ("GracefulShutdown",),
    Order.OFF: ("ForceOff",),
    Order.RESET: ("ForceRestart", "PowerCycle"),
}
"""Values of ResetType (DSP0268, Resource) for each order, the best one first."""


class RedfishBoards:
    """Boards with a Redfish service."""

    def __init__(
        self, *, port: int, timeout_seconds: float, ca_file: str | None
    ) -> None:
        """:param ca_file: PEM of the authorities that vouch for boards; None: pin."""
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._ca_file = ca_file

    def fingerprint(self, access: BoardAccess) -> str | None:
        """Return what to pin; see Boards."""
        if self._ca_file is not None:
            return None
        context = ssl.create_default_context()
        # Whose certificate it is, is what is asked here.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with (
                Exchange(
                    seconds=self._timeout_seconds, most_bytes=ANSWER_BYTES
                ) as exchange,
                exchange.connect(access.address, self._port) as plain,
                context.wrap_socket(plain) as encrypted,
            ):
                certificate = encrypted.getpeercert(binary_form=True)
        except OSError as error:
            raise _unavailable(access, error) from error
        assert certificate is not None
        return hashlib.sha256(certificate).hexdigest()

    def power(self, access: BoardAccess) -> Power:
        """Return the power's state; see Boards."""
        with self._system(access) as system:
            state = system.power_state
        return _POWER.get(getattr(state, "value", ""), Power.CHANGING)

    def order(self, access: BoardAccess, order: Order) -> None:
        """Tell the board; see Boards."""
        with self._system(access) as system:
            allowed = {kind.value: kind for kind in _allowed(system)}
            kind = next((allowed[w] for w in _RESETS[order] if w in allowed), None)
            if kind is None:
                raise _refused(access, f"it knows no order {_RESETS[order][0]}")
            system.reset_system(kind)

    @contextmanager
    def _system(self, access: BoardAccess) -> Iterator[Any]:
        """Yield the one system of a board; what sushy raises comes out as ours."""
        # Imported when first needed: most deployments have no board at all.
        import sushy
        from requests.exceptions import InvalidURL
        from sushy import auth, exceptions

        host = f"[{access.address}]" if ":" in access.address else access.address
        url = f"https://{host}:{self._port}"
        with Exchange(
            seconds=CALL_ANSWERS * self._timeout_seconds, most_bytes=ANSWER_BYTES
        ) as exchange:
            try:
                root = sushy.Sushy(
                    url,
                    auth=auth.BasicAuth(access.user, access.password),
                    connector=self._connector(url, access, exchange),
                )
                yield root.get_system()
            except exceptions.ConnectionError as error:
                if "ingerprint" in str(error):
                    raise BoardCertificateChanged(
                        hostname=access.hostname, address=access.address
                    ) from error
                if isinstance(error.__context__, InvalidURL):
                    raise _refused(access, str(error.__context__)) from error
                raise _unavailable(access, error) from error
            except exceptions.AccessError as error:
                raise _refused(
                    access, f"user {access.user} may not, or the password is wrong"
                ) from error
            except exceptions.ServerSideError as error:
                raise _unavailable(access, error) from error
            except exceptions.SushyError as error:
                raise _refused(access, str(error)) from error
            except _NONSENSE as error:
                raise _refused(
                    access, f"its answer makes no sense ({type(error).__name__})"
                ) from error

    def _connector(self, url: str, access: BoardAccess, exchange: Exchange) -> Any:
        from sushy.connector import Connector

        from hummingbird.adapters.bounded.http import bind_session

        connector = Connector(
            url,
            verify=self._ca_file if self._ca_file is not None else False,
            # One try: who waits for a board asks again.
            server_side_retries=1,
            server_side_retries_delay=1,
            default_request_timeout=self._timeout_seconds,
        )
        bind_session(
            connector._session,
            lambda: nullcontext(exchange),
            origin=url,
            fingerprint=(
                (access.fingerprint or "0" * 64) if self._ca_file is None else None
            ),
        )
        return connector


_NONSENSE: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What sushy runs into where an answer is not of the shape that it should have."""


def _allowed(system: Any) -> Iterator[Any]:
    return iter(system.get_allowed_reset_system_values())


def _unavailable(access: BoardAccess, error: Exception) -> BoardUnavailable:
    return BoardUnavailable(
        hostname=access.hostname,
        address=access.address,
        message=access.hide(_short(error)),
    )


def _refused(access: BoardAccess, message: str) -> BoardRefused:
    return BoardRefused(
        hostname=access.hostname,
        address=access.address,
        message=access.hide(message)[:MESSAGE_MAX],
    )


def _short(error: Exception) -> str:
    # The one that counts is innermost.
    reason = str(error).rpartition("Caused by ")[2]
    return " ".join(reason.split())[:MESSAGE_MAX]
