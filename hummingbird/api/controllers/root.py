# SPDX-License-Identifier: Apache-2.0
"""/ and /v1: what is served, for clients that look around (StarlingX config
sysinv/api/controllers/root.py and v1/__init__.py; on the port of fault management fault
fm-rest-api api/controllers/root.py and v1/__init__.py)."""

from collections.abc import Iterable
from typing import Any

from hummingbird.api.controllers.unused_resource import EMPTY
from hummingbird.api.http.call import Call

RESOURCES = (
    "isystems",
    "ihosts",
    "networks",
    "addrpools",
    "network_addresspools",
    "addresses",
    "labels",
    "apps",
    "kube_host_upgrades",
    "kube_versions",
    "servicegroup",
    *EMPTY,
    "alarms",
    "event_log",
    "event_suppression",
    "runs",
    "emns",
    "credentials",
    "heartbeats",
    "processes",
    "reconcilers",
    "health",
)

FAULT_RESOURCES = ("alarms", "event_log", "event_suppression")


def versions(call: Call) -> Any:
    """GET /"""
    return _versions(
        call,
        name="Titanium SysInv API",
        description=(
            "Hummingbird: small node management for StarlingX and any Kubernetes, "
            "compatible with the Titanium Cloud System API in what it serves."
        ),
    )


def v1(call: Call) -> Any:
    """GET /v1"""
    return _v1(
        call,
        media="sysinv",
        reference="config/api-ref-sysinv-v1-config.html",
        resources=RESOURCES,
    )


def fault_versions(call: Call) -> Any:
    """GET / on the port of fault management"""
    return _versions(
        call,
        name="Fault Management API",
        description=(
            "Hummingbird: small node management for StarlingX and any Kubernetes, "
            "compatible with the Fault Management API in what it serves."
        ),
    )


def fault_v1(call: Call) -> Any:
    """GET /v1 on the port of fault management"""
    return _v1(
        call,
        media="fm",
        reference="fault/api-ref-fm-v1-fault.html",
        resources=FAULT_RESOURCES,
    )


def _versions(call: Call, *, name: str, description: str) -> Any:
    v1 = {"id": "v1", "links": [{"href": f"{call.base}/v1/", "rel": "self"}]}
    return {
        "name": name,
        "description": description,
        "versions": [v1],
        "default_version": v1,
    }


def _v1(call: Call, *, media: str, reference: str, resources: Iterable[str]) -> Any:
    base = call.base
    return {
        "id": "v1",
        "media_types": [
            {
                "base": "application/json",
                "type": f"application/vnd.openstack.{media}.v1+json",
            }
        ],
        "links": [
            {"href": f"{base}/v1/", "rel": "self"},
            {
                "href": f"https://docs.starlingx.io/api-ref/{reference}",
                "rel": "describedby",
                "type": "text/html",
            },
        ],
        **{
            name: [
                {"href": f"{base}/v1/{name}/", "rel": "self"},
                {"href": f"{base}/{name}/", "rel": "bookmark"},
            ]
            for name in resources
        },
    }
