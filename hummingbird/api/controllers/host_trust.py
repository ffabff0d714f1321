# SPDX-License-Identifier: Apache-2.0
"""A stored secret goes where it was given for, whoever changes a host.

An operator may change a host, and may not read its secrets; nor may he send them to where
he can. So what would do that needs the secret again, or the role of who could set it.
"""

from hummingbird.api.http.call import Call
from hummingbird.api.http.policy import TRUST
from hummingbird.api.schema.host_patch import HostPatch
from hummingbird.db.repository import credential, emn
from hummingbird.db.session import Connection
from hummingbird.domain.board import BOUND, bound_to
from hummingbird.domain.host import Host
from hummingbird.errors import SecretElsewhere


def refuse_elsewhere(
    call: Call, connection: Connection, found: Host, wanted: HostPatch
) -> None:
    """Return if the change sends no stored secret elsewhere, or the caller may do that.

    :raises SecretElsewhere: it does, and he may not.
    """
    names = [*_login(connection, found, wanted), *_board(found, wanted)]
    if names and not call.allows(TRUST):
        raise SecretElsewhere(
            hostname=found.hostname, user=call.context.user, names=", ".join(names)
        )


def _login(connection: Connection, found: Host, wanted: HostPatch) -> list[str]:
    """Return what of the change would have another machine be logged in to, or this one
    with another credential. A host whose SSH key is known may move: the key comes along.

    It may not move to where the credential is another, nor to nowhere, if that would have
    it be the default one: the next move would be from there.
    """
    values = wanted.values
    names = []
    if wanted.credential is not None or "credential_id" in values:
        names.append("credential")
    if "known_hosts" in values:
        is_given = values["known_hosts"] is not None
        names.append("host_key" if is_given else "forget_host_key")
    moved = [name for name in ("mgmt_ip", "underlay") if name in values]
    if found.known_hosts is None or _other_login(connection, found, wanted):
        names += moved
    return names


def _other_login(connection: Connection, found: Host, wanted: HostPatch) -> bool:
    if "mgmt_ip" not in wanted.values:
        return False
    address = wanted.values["mgmt_ip"]
    network = None if address is None else emn.of_address(connection, address)
    before, after = (
        credential.id_that_gets_in(
            connection, credential_id=found.credential_id, emn_id=emn_id
        )
        for emn_id in (found.emn_id, None if network is None else network.id)
    )
    return before != after


def _board(found: Host, wanted: HostPatch) -> list[str]:
    attributes = wanted.values.get("attributes")
    if attributes is None or wanted.bm_password is not None:
        return []
    if "bm_password_sealed" not in attributes:
        return []
    before = found.attributes.get(BOUND) or bound_to(found.attributes)
    after = bound_to(attributes)
    return [] if before == after else ["bm_type, bm_ip or bm_username"]
