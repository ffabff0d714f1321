# SPDX-License-Identifier: Apache-2.0
"""Links, in pairs as sysinv gives them."""

from hummingbird.api.contract.shape import TEXT, Thing, many

Links = list[dict[str, str]]


def links(base: str, path: str) -> Links:
    """Return the links to `path`, e.g. "ihosts/<uuid>", as the client reaches us."""
    return [
        {"href": f"{base}/v1/{path}", "rel": "self"},
        {"href": f"{base}/{path}", "rel": "bookmark"},
    ]


LINK = Thing("Link", {"href": {**TEXT, "format": "uri"}, "rel": TEXT})
LINKS = many(LINK)
