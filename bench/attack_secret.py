# SPDX-License-Identifier: Apache-2.0
"""Whether a secret that somebody gave stands anywhere in clear: part of bench/attack.py.

secrets           given to the API: passwords of a credential, of a board, and the token
secrets_in_clear  how many times one of them is in the state directory (but for the token's
                  own file), in the log, in the arguments or the environment of the program
                  and its children, or in an answer; has to be 0
"""

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from api_program import Client, Program

PATHS: Final = (
    "/v1/credentials",
    "/v1/ihosts",
    "/v1/ihosts/{host}",
    "/v1/runs",
    "/v1/event_log",
    "/v1/alarms",
    "/v1/audit_log",
    "/v1/reconcilers",
)
_HOST: Final = "canary"


def measure(program: Program, _folder: Path) -> dict[str, Any]:
    """Give secrets, use them, and look for them."""
    secrets = {
        name: f"canary-{uuid.uuid4().hex}" for name in ("ssh", "become", "board")
    }
    client = program.client()
    try:
        _give(client, secrets)
        found = list(_places(program, client, secrets))
    finally:
        client.close()
    for place in found:
        print(f"  in clear: {place}", file=sys.stderr, flush=True)
    return {"secrets": len(secrets) + 1, "secrets_in_clear": len(found)}


def _give(client: Client, secrets: dict[str, str]) -> None:
    credential = {
        "name": _HOST,
        "user": "edge",
        "password": secrets["ssh"],
        "become_password": secrets["become"],
    }
    client.send("POST", "/v1/credentials", credential)
    host = {
        "hostname": _HOST,
        "personality": "edgeworker",
        "mgmt_mac": "52:54:00:ca:ca:01",
        "mgmt_ip": "198.18.255.1",
        "credential": _HOST,
        "bm_type": "redfish",
        "bm_ip": "198.18.255.2",
        "bm_username": "root",
        "bm_password": secrets["board"],
    }
    client.send("POST", "/v1/ihosts", host)
    # What is refused is told and logged as well.
    for path, body in (("/v1/credentials", credential), ("/v1/ihosts", host)):
        try:
            client.send("POST", path, {**body, "surplus": 1})
        except RuntimeError as refused:
            _note(str(refused), secrets)


def _note(said: str, secrets: dict[str, str]) -> None:
    for name, text in secrets.items():
        if text in said:
            raise RuntimeError(f"the refusal repeats the secret {name}")


def _places(program: Program, client: Client, secrets: dict[str, str]) -> Iterator[str]:
    token_file = program.state / "token"
    sought = {**secrets, "token": token_file.read_text().strip()}
    for file in program.state.rglob("*"):
        if file.is_file() and file != token_file:
            yield from _in(file.read_bytes(), sought, file.name)
    yield from _in(program.log.read_bytes(), sought, "the log")
    for process in program.processes():
        for kind in ("cmdline", "environ"):
            text = Path(f"/proc/{process}/{kind}").read_bytes()
            yield from _in(text, sought, f"{kind} of {process}")
    for path in PATHS:
        answer = client.send("GET", path.format(host=_HOST))
        yield from _in(answer, sought, f"GET {path}")


def _in(data: bytes, sought: dict[str, str], place: str) -> Iterator[str]:
    for name, text in sought.items():
        if os.fsencode(text) in data:
            yield f"{name} in {place}"
