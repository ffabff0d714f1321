# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document says what the API does: every route, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from hummingbird.api.contract.openapi import NAMES
from hummingbird.api.contract.operation_table import OPERATIONS
from hummingbird.api.controllers.unused_resource import EMPTY
from hummingbird.api.routes import FAULT_ROUTES, ROUTES
from hummingbird.api.sysinv.front import OURS
from hummingbird.api.view.inventory import COLLECTIONS
from tools.write_openapi import TARGET, text

SYSINVS = {
    "addresses",
    "addrpools",
    "apps",
    "health",
    "ihosts",
    "iinterfaces",
    "isystems",
    "kube_host_upgrades",
    "kube_versions",
    "servicegroup",
    "storage_ceph_rook",
    *EMPTY,
    "labels",
    "license",
    "network_addresspools",
    "networks",
    "storage_backend",
    *COLLECTIONS,
}
"""Resources of ours that sysinv has as well."""

ROUTED = [(method, path) for method, path, _ in (*ROUTES, *FAULT_ROUTES)]


@pytest.mark.parametrize(("method", "path"), ROUTED)
def test_a_route_has_a_row(method: str, path: str) -> None:
    assert (method, path) in OPERATIONS, (
        f"Say what {method} {path} is for, takes and gives: add a row to OPERATIONS in "
        f'hummingbird/api/contract/operation_table.py, as ("{method}", "{path}"): Operation("…", '
        "SHAPE), with the answer's SHAPE beside its view (api/view), a body's table "
        "beside its parser (api/schema); then `tox -e docs`."
    )
    for name in re.findall(r"{(\w+)}", path):
        assert name in NAMES, (
            f"Say what may stand for {{{name}}}: NAMES in hummingbird/api/contract/openapi.py"
        )


def test_a_row_has_a_route() -> None:
    assert set(OPERATIONS) <= set(ROUTED), "rows without a route: " + str(
        set(OPERATIONS) - set(ROUTED)
    )


def test_the_committed_document_is_what_the_rows_say() -> None:
    assert TARGET.read_text() == text(), "make it again: tox -e docs"


def test_an_operation_has_a_name_of_its_own() -> None:
    names = [
        operation["operationId"]
        for path in json.loads(text())["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(set(names)) == len(names) == len(OPERATIONS)


def test_each_resource_is_ours_alone_or_one_that_sysinv_has_too() -> None:
    for _, path in ROUTED:
        name = path.removeprefix("/v1").strip("/").split("/")[0]
        assert not name or name in OURS | SYSINVS, (
            f"Does sysinv have /v1/{name}? If not, name it in OURS of "
            "hummingbird/api/sysinv/front.py; else here."
        )


def test_the_page_of_the_document_is_small_enough_to_be_read() -> None:
    assert Path(TARGET).stat().st_size < 1024 * 1024
