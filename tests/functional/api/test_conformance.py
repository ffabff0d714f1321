# SPDX-License-Identifier: Apache-2.0
"""Schemathesis over the whole WSGI stack: what the OpenAPI document allows, and what it
forbids, is sent to each operation, and no answer is one that it does not foresee.

Deterministic: the same requests in each run. Each operation meets a deployment of its own,
in which the names that stand in paths exist; on PostgreSQL all of them meet one.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from hummingbird.api.contract.operation_table import OPERATIONS
from tests.conformance import DOCUMENT
from tests.functional.api.conftest import TOKEN, World

REJECTION = negative_data_rejection
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    REJECTION,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
EXAMPLES = 8
EXAMPLES_ON_POSTGRESQL = 3
"""Requests of each mode to each operation."""

SCHEMA = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=SchemathesisConfig.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
    ),
)


def _known(world: World) -> dict[str, list[str]]:
    """Make a thing of each kind; return what they are called in paths."""
    host = world.add_ready("edge-0")
    world.client.act("edge-0", "unlock")
    label = world.client.post("/v1/labels/edge-0", {"rack": "7"}).json["labels"][0]
    alarm = {
        "alarm_id": "100.101",
        "alarm_state": "set",
        "entity_instance_id": "host=edge-0",
        "severity": "major",
        "alarm_type": "operational-violation",
        "probable_cause": "threshold-crossed",
    }
    world.client.post("/v1/alarms", alarm)
    suppression = world.client.get("/v1/event_suppression").json["event_suppression"][0]
    pools = world.client.get("/v1/addrpools").json["addrpools"]
    addresses = world.client.get("/v1/addresses").json["addresses"]
    return {
        "host": [str(host["id"]), host["uuid"], "edge-0"],
        "system": [host["isystem_uuid"]],
        "run": ["edge-0"],
        "emn": ["mn"],
        "network": ["mn"],
        "credential": ["default"],
        "label": [label["uuid"]],
        "collection": ["icpus", "ports", "idisks"],
        "pool": [pool["uuid"] for pool in pools],
        "address": [address["uuid"] for address in addresses],
        "uuid": [
            suppression["uuid"],
            *(one["uuid"] for one in world.client.get("/v1/alarms").json["alarms"]),
            world.client.get("/v1/event_log", limit=1).json["event_log"][0]["uuid"],
        ],
    }


def _modes(method: str, path: str) -> list[GenerationMode]:
    """Return what can be sent: of a path alone nothing is forbidden."""
    said = DOCUMENT["paths"][path][method.lower()]
    if "requestBody" in said or "parameters" in said:
        return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return [GenerationMode.POSITIVE]


def _checks(said: dict[str, Any]) -> list[Any]:
    """Return what an answer is held to.

    In a query, a list of one and the one itself are the same words, which Schemathesis
    takes for a text where a list should have been. A file that is wrong is answered with
    200, as sysinv does, and what is wrong in the answer.
    """
    content = said.get("requestBody", {}).get("content", {})
    has_lists = any(
        argument["schema"].get("type") == "array"
        for argument in said.get("parameters", ())
    )
    is_told_otherwise = has_lists or "multipart/form-data" in content
    return [one for one in CHECKS if not is_told_otherwise or one is not REJECTION]


def _fuzz(
    world: World,
    known: dict[str, list[str]],
    operation: tuple[str, str],
    *,
    mode: GenerationMode,
    examples: int,
) -> None:
    method, path = operation
    said = DOCUMENT["paths"][path][method.lower()]

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode), data=st.data())
    def answer(case: Any, data: Any) -> None:
        for name in case.path_parameters or {}:
            there = known.get(name)
            if there and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(there))
        headers = {"X-Auth-Token": TOKEN}
        response = case.call(app=world.client.application, headers=headers)
        case.validate_response(response, checks=_checks(said), headers=headers)

    answer()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_an_answer_is_one_that_the_document_foresees(
    world: World, operation: tuple[str, str]
) -> None:
    known = _known(world)
    for mode in _modes(*operation):
        _fuzz(world, known, operation, mode=mode, examples=EXAMPLES)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_answers_from_postgresql_are_the_same(world: World) -> None:
    known = _known(world)
    for operation in OPERATIONS:
        mode = GenerationMode.POSITIVE
        _fuzz(world, known, operation, mode=mode, examples=EXAMPLES_ON_POSTGRESQL)
