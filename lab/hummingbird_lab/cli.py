# SPDX-License-Identifier: Apache-2.0
"""The program `hummingbird-lab`.

It says in one sentence what went wrong and exits 1; `ssh` and `exec` exit with the
status of what they ran.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from hummingbird_lab import inventory
from hummingbird_lab.errors import LabError
from hummingbird_lab.lab import Lab
from hummingbird_lab.life import ALL_HOSTS, down
from hummingbird_lab.prepare import prepare

PROGRAM = "hummingbird-lab"
DEFAULT_FOLDER = "/var/tmp/hummingbird-lab"  # noqa: S108 root only, and checked


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _program() -> str:
    """Return how this program is called in the shell that started it."""
    called = sys.argv[0]
    return PROGRAM if shutil.which(PROGRAM) or not called else shlex.quote(called)


def _up(given: argparse.Namespace) -> int:
    if (given.dir / "lab.json").exists() and Lab(given.dir).is_running:
        raise LabError(f"a lab runs in {given.dir}; hummingbird-lab down ends it")
    lab = Lab.up(
        given.dir,
        hosts=given.hosts.split(",") if given.hosts else (),
        kubernetes=given.kubernetes,
        images=given.images,
        say=_say,
        ends_with_caller=given.foreground,
    )
    if not given.foreground:
        _say(f"hosts: {', '.join(lab.hosts)}; try: {_program()} ssh HOST")
        return 0
    _say("Ctrl-C takes it down")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while lab.is_running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say("taking it down")
    finally:
        lab.down()
    return 0


def _down(given: argparse.Namespace) -> int:
    down(given.dir, keep=given.keep)
    return 0


def _status(given: argparse.Namespace) -> int:
    status = Lab.attach(given.dir).status()
    if given.format == "json":
        print(json.dumps(status, indent=2))
        return 0
    print(f"lab {status['id']} in {status['folder']}, process {status['first_pid']}")
    for host in status["hosts"]:
        link = host["link"]
        ails = [] if link["connected"] else ["link cut"]
        ails += [f"delay {link['delay_s']:g} s"] if link["delay_s"] else []
        ails += [f"loss {link['loss_percent']:g} %"] if link["loss_percent"] else []
        power = "on" if host["on"] else "off"
        print(
            f"{host['name']:10} {host['address']:16} {host['network']:4} {power:4}"
            f" {', '.join(ails)}".rstrip()
        )
    return 0


def _ssh(given: argparse.Namespace) -> int:
    lab = Lab.attach(given.dir)
    command = " ".join(given.command) or None  # as ssh itself does
    place = inventory.HOST_BY_NAME[given.host].reached_from
    return subprocess.call(lab.inside(place, lab.ssh_command(given.host, command)))


def _exec(given: argparse.Namespace) -> int:
    lab = Lab.attach(given.dir)
    argv = lab.inside(given.place, given.command, folder=Path.cwd())
    return subprocess.call(argv, env=lab.environment())


def _fault(given: argparse.Namespace) -> int:
    fault = Lab.attach(given.dir).fault
    act = getattr(fault, given.what.replace("-", "_"))
    if given.what in ("loss", "delay"):
        if given.value is None:
            raise LabError(f"fault {given.what} needs a number; see --help")
        act(given.name, given.value)
    else:
        act(given.name)
    return 0


def _push(given: argparse.Namespace) -> int:
    print(Lab.attach(given.dir).push(given.archive, given.reference))
    return 0


def _images(given: argparse.Namespace) -> int:
    for name, digest in Lab.attach(given.dir).push_images(say=_say).items():
        print(name, digest)
    return 0


def _prepare(given: argparse.Namespace) -> int:
    prepare(kubernetes=given.kubernetes, images=given.images, say=_say)
    return 0


def _env(given: argparse.Namespace) -> int:
    for name, value in Lab.attach(given.dir).exports().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


_FAULTS = """\
cut NAME          pull a cable; restore NAME puts it back
loss NAME PERCENT lose this share of the frames, each way
delay NAME SECONDS hold every frame up, each way
clear NAME        make the cable whole again
freeze HOST       hang all programs of a host; thaw HOST ends it
power-off HOST    pull the plug; power-on HOST plugs it in again
reboot HOST       an orderly reboot

NAME is a host, or: controller (its own cable), r1 (the routed edge network's uplink),
r2 and r2-lan (the NAT gateway's cables), uplink (the controller's to the WAN)."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hummingbird-lab",
        description="Real edge hosts, networks and a Kubernetes on this one machine."
        " Needs root and Debian 12; nothing leaves the machine.",
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path(os.environ.get("HUMMINGBIRD_LAB", DEFAULT_FOLDER)),
        help="the lab's folder, on a disk that can carry an overlay"
        f" (default: $HUMMINGBIRD_LAB or {DEFAULT_FOLDER})",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    parts = argparse.ArgumentParser(add_help=False)
    parts.add_argument(
        "--no-kubernetes",
        dest="kubernetes",
        action="store_false",
        help="leave out the control plane, the package repository and the registry",
    )
    parts.add_argument(
        "--images",
        action="store_true",
        help="build the agents' images too, and push them to the lab's registry",
    )

    up = commands.add_parser("up", parents=[parts], help="start a lab")
    up.add_argument(
        "--hosts",
        default=",".join(inventory.USUAL_HOSTS),
        help="which hosts, with commas (default: %(default)s)",
    )
    up.add_argument(
        "--foreground", action="store_true", help="stay, and take it down at the end"
    )
    up.set_defaults(act=_up)

    end = commands.add_parser("down", help="end a lab and remove its folder")
    end.add_argument(
        "--keep", action="store_true", help="keep the folder, for its logs"
    )
    end.set_defaults(act=_down)

    status = commands.add_parser("status", help="say what runs")
    status.add_argument("-f", "--format", choices=("text", "json"), default="text")
    status.set_defaults(act=_status)

    ssh = commands.add_parser("ssh", help="a shell on a host, or one command there")
    ssh.add_argument("host", choices=ALL_HOSTS)
    ssh.add_argument("command", nargs=argparse.REMAINDER)
    ssh.set_defaults(act=_ssh)

    enter = commands.add_parser(
        "exec", help="run a program of this machine in the network of a place"
    )
    enter.add_argument(
        "place", help="controller, r1, r2, a host, or a switch: mn, emn, lan, wan"
    )
    enter.add_argument("command", nargs=argparse.REMAINDER)
    enter.set_defaults(act=_exec)

    fault = commands.add_parser(
        "fault",
        help="break something, or mend it",
        description=_FAULTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fault.add_argument(
        "what",
        metavar="WHAT",
        choices=(
            *("cut", "restore", "loss", "delay", "clear"),
            *("freeze", "thaw", "power-off", "power-on", "reboot"),
        ),
        help="one of the above",
    )
    fault.add_argument("name", metavar="NAME")
    fault.add_argument("value", metavar="NUMBER", type=float, nargs="?")
    fault.set_defaults(act=_fault)

    push = commands.add_parser("push", help="copy an OCI archive to the registry")
    push.add_argument("archive", type=Path)
    push.add_argument("reference", metavar="NAME:TAG")
    push.set_defaults(act=_push)

    images = commands.add_parser(
        "images", help="build the agents' images and push them to the registry"
    )
    images.set_defaults(act=_images)

    make = commands.add_parser(
        "prepare", parents=[parts], help="install and build what a lab needs, once"
    )
    make.set_defaults(act=_prepare)

    env = commands.add_parser("env", help="print shell exports for the running lab")
    env.set_defaults(act=_env)
    return parser


def main() -> int:
    """Run one command; the process's exit status."""
    given = _parser().parse_args()
    if getattr(given, "command", None) == [] and given.act is _exec:
        _say("hummingbird-lab: exec needs a command")
        return 2
    try:
        status: int = given.act(given)
    except LabError as error:
        _say(f"hummingbird-lab: {error}")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
