# SPDX-License-Identifier: Apache-2.0
"""Every route, in one table. A noun's own paths are ours; the rest are StarlingX's."""

from hummingbird.api.controllers import (
    health,
    host,
    root,
    system,
)
from hummingbird.api.router import Route

# fmt: off
ROUTES: tuple[Route, ...] = (
    ("GET",    "/",                                  root.versions),
    ("GET",    "/v1",                                root.v1),
    ("GET",    "/v1/health",                         health.get),
    # sysinv
    ("GET",    "/v1/isystems",                       system.list_all),
    ("GET",    "/v1/isystems/{system}",              system.get),
    ("GET",    "/v1/ihosts",                         host.list_short),
    ("POST",   "/v1/ihosts",                         host.create),
    ("GET",    "/v1/ihosts/detail",                  host.list_full),
    ("GET",    "/v1/ihosts/{host}",                  host.get),
    ("PATCH",  "/v1/ihosts/{host}",                  host.patch),
    ("DELETE", "/v1/ihosts/{host}",                  host.remove),
)
# fmt: on
