# SPDX-License-Identifier: Apache-2.0
"""/ and /v1: what is served, for clients that look around (StarlingX config
sysinv/api/controllers/root.py and v1/__init__.py)."""

from typing import Any

from hummingbird.api.call import Call

RESOURCES = (
    "isystems",
    "ihosts",
    "alarms",
    "event_log",
    "runs",
    "emns",
    "credentials",
    "heartbeats",
    "reconcilers",
    "health",
)


def versions(call: Call) -> Any:
    """GET /"""
    v1 = {"id": "v1", "links": [{"href": f"{call.base}/v1/", "rel": "self"}]}
    return {
        "name": "Titanium SysInv API",
        "description": (
            "Hummingbird: small node management for StarlingX and any Kubernetes, "
            "compatible with the Titanium Cloud System API in what it serves."
        ),
        "versions": [v1],
        "default_version": v1,
    }


def v1(call: Call) -> Any:
    """GET /v1"""
    base = call.base
    return {
        "id": "v1",
        "media_types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.sysinv.v1+json",
            }
        ],
        "links": [
            {"href": f"{base}/v1/", "rel": "self"},
            {
                "href": "https://docs.starlingx.io/api-ref/config/api-ref-sysinv-v1-config.html",
                "rel": "describedby",
                "type": "text/html",
            },
        ],
        **{
            name: [
                {"href": f"{base}/v1/{name}/", "rel": "self"},
                {"href": f"{base}/{name}/", "rel": "bookmark"},
            ]
            for name in RESOURCES
        },
    }
