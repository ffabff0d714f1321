# SPDX-License-Identifier: Apache-2.0
"""A trace is asked for and read when a conductor has looked."""

from hummingbird.db.repository import trace
from tests.functional.api.conftest import World


def test_a_trace_is_asked_for_and_read(world: World) -> None:
    world.add_ready()
    missing = world.client.get("/v1/ihosts/edge-0/trace")
    assert (missing.status, missing.fault["code"]) == (404, "hummingbird.not_found")

    asked = world.client.post("/v1/ihosts/edge-0/trace", {})
    assert (asked.status, asked.json["done_at"]) == (202, None)
    assert "trace" in world.nudges
    again = world.client.post("/v1/ihosts/edge-0/trace", {})
    assert again.json["requested_at"] == asked.json["requested_at"]

    body = {
        "finding": "ssh_refused",
        "sentence": "It refuses.",
        "repair": "Start sshd.",
        "steps": [{"name": "ssh", "state": "broken", "detail": "port 22: refused"}],
    }
    with world.database.writer() as connection:
        (pending,) = trace.pending(connection)
        trace.finish(connection, pending, body, now=world.clock.now())
    found = world.client.get("/v1/ihosts/edge-0/trace", wait="5").json
    assert {name: found[name] for name in body} == body
    assert found["done_at"] is not None
    bad = world.client.get("/v1/ihosts/edge-0/trace", wait="31")
    assert bad.status == 400
