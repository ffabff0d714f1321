# SPDX-License-Identifier: Apache-2.0
"""The rows of the operations on networks, address pools and addresses."""

from collections.abc import Mapping
from typing import Final

from hummingbird.api.contract.operation import (
    LIMIT,
    MARKER,
    SORT_DIR,
    Argument,
    Operation,
    sort_key,
)
from hummingbird.api.contract.shape import listing
from hummingbird.api.schema.address import NEW_ADDRESS
from hummingbird.api.schema.address_pool import NEW_POOL, POOL_CHANGE
from hummingbird.api.schema.network import NEW_NETWORK
from hummingbird.api.schema.network_addresspool import NEW_ASSIGNMENT
from hummingbird.api.view.address import ADDRESS, ADDRESS_IN_LIST
from hummingbird.api.view.address_pool import ADDRESS_POOL
from hummingbird.api.view.network import NETWORK
from hummingbird.api.view.network_addresspool import NETWORK_ADDRESSPOOL

PAGES: Final = (MARKER, LIMIT, sort_key("id"), SORT_DIR)
"""How lists that StarlingX pages are asked for."""

ADDRESS_OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/v1/ihosts/{host}/addresses"): Operation(
        "List a host's addresses", listing("addresses", ADDRESS_IN_LIST)
    ),
    ("GET", "/v1/networks"): Operation(
        "List networks, in sysinv's words",
        listing("networks", NETWORK, is_paged=True),
        query=PAGES,
    ),
    ("POST", "/v1/networks"): Operation(
        "Have an address pool be a network that is routed", NETWORK, body=NEW_NETWORK
    ),
    ("GET", "/v1/networks/{network}"): Operation("Show a network", NETWORK),
    ("DELETE", "/v1/networks/{network}"): Operation("Delete a network; its pools stay"),
    ("GET", "/v1/addrpools"): Operation(
        "List address pools",
        listing("addrpools", ADDRESS_POOL, is_paged=True),
        query=(*PAGES, Argument("network_type", "Pools of networks of this type.")),
    ),
    ("POST", "/v1/addrpools"): Operation(
        "Add an address pool", ADDRESS_POOL, body=NEW_POOL
    ),
    ("GET", "/v1/addrpools/{pool}"): Operation(
        "Show an address pool", ADDRESS_POOL, has_tag=True
    ),
    ("PATCH", "/v1/addrpools/{pool}"): Operation(
        "Change an address pool", ADDRESS_POOL, body=POOL_CHANGE, has_tag=True
    ),
    ("DELETE", "/v1/addrpools/{pool}"): Operation(
        "Delete an address pool", has_tag=True
    ),
    ("GET", "/v1/network_addresspools"): Operation(
        "List which pool is of which network",
        listing("network_addresspools", NETWORK_ADDRESSPOOL, is_paged=True),
        query=PAGES,
    ),
    ("POST", "/v1/network_addresspools"): Operation(
        "Have a pool be of a network", NETWORK_ADDRESSPOOL, body=NEW_ASSIGNMENT
    ),
    ("GET", "/v1/network_addresspools/{uuid}"): Operation(
        "Show that a pool is of a network", NETWORK_ADDRESSPOOL
    ),
    ("DELETE", "/v1/network_addresspools/{uuid}"): Operation(
        "Have a pool be of no network"
    ),
    ("GET", "/v1/addresses"): Operation(
        "List addresses",
        listing("addresses", ADDRESS_IN_LIST, is_paged=True),
        query=PAGES,
    ),
    ("POST", "/v1/addresses"): Operation(
        "Give a host a second address", ADDRESS, body=NEW_ADDRESS
    ),
    ("GET", "/v1/addresses/{address}"): Operation("Show an address", ADDRESS),
    ("DELETE", "/v1/addresses/{address}"): Operation(
        "Take a host's second address back"
    ),
}
