# SPDX-License-Identifier: Apache-2.0
"""What sysinv has and no EdgeWorker needs: lists of nothing, so that clients which ask for
everything (distributed cloud's audit, `system`) go on. They are sysinv's own answers where
it has none of the kind."""

from collections.abc import Mapping
from typing import Any, Final

from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler
from hummingbird.errors import NotDoneHere, NotFound

EMPTY: Final[Mapping[str, str]] = {
    "certificate": "certificates",
    "controller_fs": "controller_fs",
    "clusters": "clusters",
    "datanetworks": "datanetworks",
    "device_image_state": "device_image_state",
    "device_images": "device_images",
    "device_labels": "device_labels",
    "fernet_repo": "keys",
    "iextoam": "iextoams",
    "iuser": "iusers",
    "kube_clusters": "kube_clusters",
    "kube_rootca_update": "kube_rootca_updates",
    "kube_upgrade": "kube_upgrades",
    "ptp_instances": "ptp_instances",
    "registry_image": "registry_images",
    "service_parameter": "parameters",
    "servicenodes": "nodes",
    "services": "services",
    "storage_backend": "storage_backends",
    "storage_ceph_rook": "storage_ceph_rook",
}
"""Resources, and the keys of their lists."""


FURTHER: Final[Mapping[str, Mapping[str, Any]]] = {
    "/v1/certificate/get_all_certs": {},
    "/v1/certificate/get_all_k8s_certs": {},
    "/v1/kube_rootca_update/hosts": {"kube_host_updates": []},
    "/v1/license/get_license_file": {
        "content": "",
        "error": "License file not found. A license may not have been installed.",
    },
}
"""Paths under those, and what sysinv says there when it has none."""


def said(path: str) -> Handler:
    """Return what answers at a path of FURTHER."""
    answer = FURTHER[path]

    def get(_call: Call) -> Any:
        return dict(answer)

    return get


def listed(resource: str) -> Handler:
    """Return what lists none of `resource`."""
    key = EMPTY[resource]

    def list_none(_call: Call) -> Any:
        return {key: []}

    return list_none


def shown(resource: str) -> Handler:
    """Return what says that there is no such thing."""

    def get(call: Call) -> Any:
        raise NotFound(kind=resource, name=call.name)

    return get


def add_storage(call: Call) -> Any:
    """POST /v1/storage_ceph_rook

    :raises NotDoneHere: always.
    """
    call.json_object()
    raise NotDoneHere(
        message=(
            "Storage backends are the controllers' own; Hummingbird has none for all "
            "hosts together."
        )
    )
