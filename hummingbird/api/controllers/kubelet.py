# SPDX-License-Identifier: Apache-2.0
"""/v1/kube_host_upgrades, /v1/kube_versions: which Kubernetes the hosts run."""

from typing import Any

from hummingbird.api.http.call import Call
from hummingbird.api.listing import PAGING, listing
from hummingbird.api.view.kubelet import kube_host_upgrade, kube_versions
from hummingbird.db.repository import fleet, host
from hummingbird.errors import HostNotFound, NotDoneHere, NotFound


def list_all(call: Call) -> Any:
    """GET /v1/kube_host_upgrades"""
    arguments = call.arguments(*PAGING)
    with call.dependencies.database.reader() as connection:
        hosts = host.list_all(connection)
    items = [(one.id, kube_host_upgrade(one, base=call.base)) for one in hosts]
    return listing(call, "kube_host_upgrades", items, arguments)


def get(call: Call) -> Any:
    """GET /v1/kube_host_upgrades/{host}"""
    with call.dependencies.database.reader() as connection:
        try:
            found = host.find(connection, call.name)
        except HostNotFound as error:
            raise NotFound(kind="Kubernetes of host", name=call.name) from error
    return kube_host_upgrade(found, base=call.base)


def upgrade(call: Call) -> Any:
    """POST /v1/ihosts/{host}/kube_upgrade_kubelet

    :raises NotDoneHere: always.
    """
    call.json_object()
    with call.dependencies.database.reader() as connection:
        found = host.find(connection, call.name)
    raise NotDoneHere(
        message=(
            f"The kubelet of host {found.hostname} is not upgraded by itself: lock the "
            "host, then reinstall it, which installs what the cluster asks for."
        )
    )


def list_versions(call: Call) -> Any:
    """GET /v1/kube_versions"""
    return {"kube_versions": _versions(call)}


def get_version(call: Call) -> Any:
    """GET /v1/kube_versions/{version}"""
    for version in _versions(call):
        if version["version"] == call.name:
            return version
    raise NotFound(kind="Kubernetes version", name=call.name)


def _versions(call: Call) -> list[dict[str, Any]]:
    with call.dependencies.database.reader() as connection:
        return kube_versions(fleet.kubelet_versions(connection))
