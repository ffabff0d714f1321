# SPDX-License-Identifier: Apache-2.0
"""Uses every secret of a `World` once, well and badly, and looks for it everywhere."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import requests

from hummingbird.api.routes import ROUTES
from hummingbird.domain.node import UUID_LABEL
from hummingbird.wire import session
from tests.attack.secrets.watch import run
from tests.attack.secrets.world import HOST, ROOT, World, unlimited_cores
from tests.fakes import board_service

BOARD: Final = "kiosk-1"
OLD_BOARD: Final = "kiosk-2"
STRANGER: Final = "kiosk-3"
TUNNELLED: Final = "kiosk-4"
NODE_KEY: Final = re.compile(rb"LS0tLS1CRUdJTiBQUklWQVRF[A-Za-z0-9+/=]+")
"""A private key (PEM) in base64, as it stands in a kubeconfig."""
WIREGUARD_KEY: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=")
CLI: Final = (sys.executable, "-m", "hummingbird.cli.app")


def use(world: World, *, thorough: bool) -> None:
    """Use them all."""
    phases: tuple[Callable[[], None], ...] = (
        lambda: give(world),
        lambda: refuse(world),
        lambda: log_in(world),
        lambda: speak_to_gateway(world),
        lambda: carry(world, thorough=thorough),
        lambda: start_badly(world, thorough=thorough),
        lambda: look_at_all(world, thorough=thorough),
        lambda: die(world),
    )
    for number, phase in enumerate(phases):
        began = time.monotonic()
        phase()
        print(f"  part {number}: {time.monotonic() - began:.1f} s", file=sys.stderr)


def give(world: World) -> None:
    """Give the secrets that the API takes."""
    for name, ssh in (("shop", "SSH password"), ("wrong", "SSH password")):
        body = {
            "name": name,
            "user": "edge",
            "port": world.host.port,
            "password": world.secrets[ssh] + ("" if name == "shop" else "x"),
            "become_password": world.secrets["password for sudo"],
        }
        world.add("/v1/credentials", body)
    key = (world.host.folder / "client").read_text()
    world.sought.add("SSH private key", key)
    keyed = {"name": "keyed", "user": "edge", "port": world.host.port}
    world.add("/v1/credentials", {**keyed, "private_key": key, "become": False})
    shown = (world.host.folder / "host.pub").read_text()
    pinned = " ".join(shown.split()[:2])
    for number, (name, more) in enumerate(
        {
            HOST: {"credential": "shop", "mgmt_ip": "198.18.0.11", "host_key": pinned},
            BOARD: {"credential": "keyed", "mgmt_ip": "198.18.0.12"},
            OLD_BOARD: {"credential": "keyed", "mgmt_ip": "198.18.0.13"},
            STRANGER: {
                "credential": "wrong",
                "mgmt_ip": "198.18.0.14",
                "host_key": pinned,
            },
        }.items()
    ):
        mac = f"52:54:00:ca:ca:{number:02x}"
        host = {"hostname": name, "personality": "edgeworker", "mgmt_mac": mac}
        world.add("/v1/ihosts", {**host, **more})
    known = world.ask("GET", f"/v1/ihosts/{HOST}").json()["uuid"]
    world.kubernetes.labels = {UUID_LABEL: known}
    for number, (name, kind, password) in enumerate(
        (
            (BOARD, "redfish", board_service.PASSWORD),
            (OLD_BOARD, "ipmi", board_service.PASSWORD),
            (STRANGER, "redfish", world.make("board's password", most=20)),
        )
    ):
        address = f"198.18.0.20{number}"
        board = {"bm_type": kind, "bm_ip": address, "bm_password": password}
        answer = world.change(name, bm_username=board_service.USER, **board)
        assert answer.status_code == 200, answer.text
    emn = {"name": "far", "cidr": "10.30.0.0/24", "attachment": "wireguard"}
    world.add("/v1/emns", emn)
    host = {"hostname": TUNNELLED, "personality": "edgeworker", "credential": "keyed"}
    world.add(
        "/v1/ihosts", {**host, "mgmt_mac": "52:54:00:ca:cb:01", "mgmt_ip": "10.30.0.9"}
    )


def refuse(world: World) -> None:
    """Have the API refuse bodies with secrets where nobody would look for them."""
    word = world.make("SSH password")
    good = {"name": "refused", "user": "edge", "password": word}
    for change in (
        {"surplus": 1},
        {"password": [word]},
        {"password": {"value": word}},
        {"passwrod": word},
        {"Password": word},
        {"become_pw": word},
        {"private_key": word},
        {"private_key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{word}\n"},
        {"password": word * 400},
    ):
        answer = world.ask("POST", "/v1/credentials", {**good, **change})
        assert answer.status_code >= 400, (list(change), answer.text)
    for patch in (
        [{"op": "replace", "path": "bm_password", "value": word}],
        [{"op": "replace", "path": "/bm_password/", "value": word}],
        [{"op": "replace", "path": "/bm_password", "value": [word]}],
        [{"op": "replace", "path": "/bm_passwrod", "value": word}],
        [{"op": "replace", "path": "/BM_PASSWORD", "value": word}],
        {"bm_password": word},
        {"path": "/bm_password", "values": word},
        [["bm_password", word]],
        word,
    ):
        world.ask("PATCH", f"/v1/ihosts/{HOST}", patch)
    for token in (word[9:], ""):
        world.ask("GET", "/v1/ihosts", **{"X-Auth-Token": token})
    raw = '{"name": "x", "password": "' + word[9:]
    url = f"https://127.0.0.1:{world.ports['api']}/v1/credentials"
    answer = requests.post(
        url,
        data=raw,
        headers={"X-Auth-Token": (world.state / "token").read_text()},
        verify=str(world.state / "pki" / "ca.crt"),
        timeout=60,
    )
    world.watch.read("the answer to half a body", answer.content)


def log_in(world: World) -> None:
    """Have runs use passwords and keys, at hosts and boards that take them or do not."""
    world.host.ready()
    world.kubernetes.repeats = True
    for name, action in (
        (HOST, "unlock"),
        (STRANGER, "power-on"),
        (BOARD, "power-on"),
        (OLD_BOARD, "power-on"),
    ):
        answer = world.change(name, action=action)
        assert answer.status_code == 200, answer.text
    # Until somebody was answered so, and a run waits.
    asked = len(world.kubernetes.shown)
    deadline = time.monotonic() + 120
    while len(world.kubernetes.shown) < asked + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    world.kubernetes.repeats = False
    ended = world.await_runs(HOST, STRANGER, BOARD, OLD_BOARD)
    answer = world.change(STRANGER, action="unlock")
    assert answer.status_code == 200, answer.text
    ended |= {f"{STRANGER} again": world.await_runs(STRANGER)[STRANGER]}
    print(ended, file=sys.stderr)
    for kept in ("SSH password", "password for sudo"):
        heard = world.host.heard()
        assert kept == "SSH password" or world.secrets[kept].encode() in heard, kept
    world.fm.token += "x"
    time.sleep(1)
    world.fm.token = world.fm.token[:-1]


def speak_to_gateway(world: World) -> None:
    """Have agents show tokens: one that is known, one that is not."""
    good = world.make("agents' tokens")[9:]
    world.kubernetes.agents[good] = "mtc-client"
    for token in (good, world.make("agents' tokens")[9:]):
        request = session.SessionRequest(
            token=token,
            agent="mtc-client",
            boot_id="6f1f7f0a-0000-4000-8000-000000000001",
        )
        answer = requests.post(
            f"https://127.0.0.1:{world.ports['gateway']}{session.PATH}",
            data=session.encode_request(request),
            verify=str(world.state / "pki" / "ca.crt"),
            timeout=60,
        )
        if answer.status_code < 300:
            made = session.decode_session(answer.content)
            world.sought.add("keys of agents' sessions", made.key)
        else:
            world.watch.read("the answer to an agent", answer.content)


def command(world: World, *words: str, text: str = "") -> None:
    """Run a command of ours; what it prints is looked through."""
    number = len(list(world.folder.glob("trace*")))
    run(
        ["env", f"HUMMINGBIRD_STATE={world.state}", *CLI, *words],
        told=world.watch.read,
        trace=world.folder / f"trace-{number}",
        text=text,
    )


def carry(world: World, *, thorough: bool) -> None:
    """Have commands take secrets and carry them."""
    config = ("--config-file", str(world.config))
    word = world.make("SSH password")
    command(
        world,
        *("credential-add", "by-command", "--user", "edge", "--password-stdin"),
        text=f"{word}\n",
    )
    board = world.make("board's password", most=20)
    command(
        world,
        *("--debug", "host-board-set", STRANGER, "redfish"),
        *("--address", "198.18.0.209", "--user", "root"),
        text=f"{board}\n",
    )
    script = world.operator / "bootstrap.sh"
    command(world, "host-bootstrap", TUNNELLED, "--output", str(script))
    for key in WIREGUARD_KEY.findall(script.read_text()):
        if key not in world.public_keys():
            world.sought.add("claim of a bootstrap script", key)
    exported = world.operator / "deployment.json"
    command(world, "deployment-export", str(exported), *config)
    command(world, "deployment-import", str(exported), *config)
    command(world, "deployment-rotate", "gateway-key", *config)
    world.sought.add("gateways' secret", (world.state / "gateway.key").read_bytes())
    if thorough:
        command(world, "openrc")
        command(world, "--debug", "credential-list")


def start_badly(world: World, *, thorough: bool) -> None:
    """Start processes that can't: with passwords that are wrong, and URLs that are none."""
    word = world.make("database's password")
    broken = world.operator / "kubeconfig-broken"
    text = (world.operator / "kubeconfig").read_text()
    broken.touch(mode=0o600)
    broken.write_text(text.replace("token: ", "token: [}"))
    tries = {
        "a wrong password": {"database__url": world.database_url(word)},
        "a URL that is none": {"database__url": f"postgresql:/x:{word[9:]}@[/y"},
        "a driver that is none": {"database__url": f"postgre://x:{word[9:]}@h/y"},
        "a broker's URL that is none": {
            "rpc__transport_url": f"rabbit://u:{word[9:]}@h:x:y/"
        },
        "a broker of no kind": {"rpc__transport_url": f"rabit://u:{word[9:]}@h/"},
        "a host that is none": {
            "database__url": f"postgresql+psycopg://x:{word[9:]}@a@h/y"
        },
        "a broken kubeconfig": {"kubernetes__kubeconfig": str(broken)},
    }
    for number, (what, changed) in enumerate(tries.items()):
        if number > 2 and not thorough:
            continue
        config = world.operator / f"bad-{number}.conf"
        state = world.folder / "state-of-another"
        changed = {name: value for name, value in changed.items()}
        world.write_config(config, DEFAULT__state_directory=str(state), **changed)
        name = "conductor" if "kubeconfig" in what else "api"
        with (world.folder / "log-bad").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"hummingbird.cmd.{name}",
                    "--config-file",
                    config,
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
        shutil.rmtree(state, ignore_errors=True)
        world.watch.read(
            f"what a start with {what} said", (world.folder / "log-bad").read_bytes()
        )
        (world.folder / "log-bad").unlink()


def look_at_all(world: World, *, thorough: bool) -> None:
    """Ask for all that there is to read, of each thing that there is."""
    for key in world.hub_keys():
        world.sought.add("hub's private key", key)
        world.sought.add("hub's private key", base64.b64decode(key))
    for key in NODE_KEY.findall(world.host.heard()):
        world.sought.add("node's private key", key)
    hosts = (HOST, BOARD, OLD_BOARD, STRANGER, TUNNELLED) if thorough else (HOST,)
    for method, route, _ in ROUTES:
        if method != "GET":
            continue
        for name in [*hosts, "shop"] if "{" in route else [""]:
            words = [name if one.startswith("{") else one for one in route.split("/")]
            world.ask("GET", "/".join(words))
    scrape = requests.get(
        f"http://127.0.0.1:{world.ports['metrics']}/metrics", timeout=60
    )
    world.watch.read("the metrics", scrape.content)
    world.watch.read("the database", world.dump())
    for name in ("log", "audit.json"):
        world.watch.read(name, (world.folder / name).read_bytes())
    for line in unlimited_cores():
        world.watch.found.setdefault(f"the memory of a process may be kept: {line}")


def die(world: World) -> None:
    """Kill the program while ssh has a password; nothing of it may stay."""
    for piece in ("echo ~", "boot_id", "/bin/sh"):
        world.host.commands[piece] = {"wait": 1}
    world.host.ready()
    answer = world.ask("POST", f"/v1/ihosts/{HOST}/trace", {})
    assert answer.status_code < 300, answer.text
    deadline = time.monotonic() + 240
    while not given(world):
        assert time.monotonic() < deadline, "no password was given to ssh"
        time.sleep(0.02)
    assert world.process is not None
    os.kill(world.process.pid, signal.SIGKILL)
    world.process.wait()
    deadline = time.monotonic() + 120
    while left_behind(world) and time.monotonic() < deadline:
        time.sleep(0.2)
    for path in left_behind(world):
        world.watch.found.setdefault(f"left by a run that was killed: {path}")


def left_behind(world: World) -> list[Path]:
    """Return what a run that is over has left."""
    return [*world.state.glob("runs/run-*"), *Path("/dev/shm").glob("psm_*")]


def given(world: World) -> bool:
    """Say whether a password is there for ssh now: in the run's folder, or where Ansible
    itself would put it."""
    places = (*world.state.glob("runs/run-*/**/ssh-*"), *Path("/dev/shm").glob("psm_*"))
    return any(path.is_file() for path in places)
