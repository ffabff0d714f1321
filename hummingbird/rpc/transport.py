# SPDX-License-Identifier: Apache-2.0
"""The way between API and conductors: one process's memory, or RabbitMQ."""

import importlib
from typing import Any

import amqp
import kombu.exceptions
import oslo_messaging

from hummingbird.conf import Conf

FAILURES = (
    oslo_messaging.MessagingException,
    kombu.exceptions.KombuError,
    amqp.AMQPError,
    OSError,
)
"""What a broker that is away, or refuses us, comes out as: oslo.messaging lets some of
what is under it through."""

_EXCHANGE = "hummingbird"

_LEFT_OUT = {
    "oslo_messaging_metrics": "oslo_messaging._metrics.client",
    "oslo_messaging_tracing": "oslo_messaging._tracing.client",
}
"""Groups of options, and where they are, that oslo.messaging reads from the
configuration it is given but registers with the global one only, which we do not have.
Which of them there are depends on its version."""


def open_transport(conf: Conf, *, url: str | None = None) -> Any:
    """Return the transport that [rpc]transport_url names; nothing is connected yet.

    :param url: in its place.
    """
    for group, module in _LEFT_OUT.items():
        try:
            options = getattr(importlib.import_module(module), group)
        except (ImportError, AttributeError):
            continue
        conf.register_opts(options, group=group)
    oslo_messaging.set_transport_defaults(control_exchange=_EXCHANGE)
    return oslo_messaging.get_rpc_transport(conf, url=url or conf.rpc.transport_url)
