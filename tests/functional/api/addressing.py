# SPDX-License-Identifier: Apache-2.0
"""Networks, pools and addresses, as tests ask for them."""

from typing import Any

from tests.functional.api.conftest import Answer, World


def pools(world: World, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client.get("/v1/addrpools", **query).json[
        "addrpools"
    ]
    return found


def replace_in_pool(world: World, name: str, **values: object) -> Answer:
    """Do what `system addrpool-modify` does."""
    return world.client.patch(
        f"/v1/addrpools/{name}",
        [
            {"op": "replace", "path": f"/{key}", "value": value}
            for key, value in values.items()
        ],
    )


def shops(world: World, cidr: str = "10.20.0.0/24", **more: object) -> dict[str, Any]:
    answer = world.client.post("/v1/emns", {"name": "shops", "cidr": cidr, **more})
    assert answer.status == 201, answer.body
    added: dict[str, Any] = answer.json
    return added


def refused(answer: Answer, status: int, code: str) -> str:
    assert (answer.status, answer.fault["code"]) == (status, code), answer.body
    return answer.sentence
