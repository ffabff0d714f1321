# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-bootstrap`: what whoever stands before a host runs on it, once.

The claim's private key is made here and goes into the script and nowhere else: the server
is told its public half.
"""

import argparse
import base64
import io
import json
import os
import stat
import tarfile
from pathlib import Path
from typing import Any, TextIO

from hummingbird.cli.client import path
from hummingbird.cli.command import Act
from hummingbird.cli.failure import Failure

CLAIM_PLACE = "@CLAIM_KEY@"
BUNDLE_PLACE = "@BUNDLE@"
PROGRAMS = ("wg", "wireguard-go")
_LINE = 76

UNDO = """\
#!/bin/sh
# Hummingbird: takes back what host-bootstrap has put on this host. Run it as root.
set -eu
[ "$(id -u)" = 0 ] || { echo "run this as root: sudo sh $0" >&2; exit 1; }
if [ -e /var/lib/hummingbird-tunnel/tunnel ]; then
    sh /var/lib/hummingbird-tunnel/tunnel remove
    echo "The tunnel and what came with it are gone."
else
    echo "There is no tunnel of Hummingbird on this host."
fi
"""


class HostBootstrap(Act):
    """Print a script that brings a host from behind any NAT to this controller.

    For hosts in a network attached by wireguard that nobody can reach from here. Somebody
    runs the script on the host, once, as root; from then on the controller comes in by
    itself. It needs UDP out, a shell, ip and WireGuard's wg; --bundle puts the latter
    inside. It carries a claim, good for this host, once and for some hours: hand it over
    as you would a password; --output writes it where only you can read it. The host's own
    key is made on the host and stays there.
    """

    examples = (
        "hummingbird host-bootstrap kiosk-7",
        "hummingbird host-bootstrap kiosk-7 --output kiosk-7.sh",
        "hummingbird host-bootstrap kiosk-7 --output user-data --cloud-init --hours 72",
        "hummingbird host-bootstrap kiosk-7 --output kiosk-7.sh --bundle /usr/bin",
        "hummingbird host-bootstrap kiosk-7 --undo",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        form = parser.add_mutually_exclusive_group()
        form.add_argument(
            "--cloud-init",
            action="store_true",
            help="as user data for a host that is installed by cloud-init",
        )
        form.add_argument(
            "--undo", action="store_true", help="print what takes all of it back"
        )
        parser.add_argument(
            "--output",
            metavar="FILE",
            type=Path,
            help="write it to a new file that only you can read (default: stdout)",
        )
        parser.add_argument(
            "--hours",
            type=int,
            help="for so long the claim is good (default: the server's claim_hours)",
        )
        parser.add_argument(
            "--bundle",
            metavar="FOLDER",
            type=Path,
            help="put wg and wireguard-go of this folder inside, for hosts that can't"
            " install them; they must be made for the host's processor",
        )
        parser.add_argument(
            "--no-ssh-key",
            action="store_true",
            help="let nobody in by SSH: the controller's key is there already",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Make a claim, tell the server, print the script."""
        target = parsed_args.output
        if parsed_args.undo:
            self._deliver(UNDO, target)
            return
        # Half a tenth of a second of imports that no other command needs.
        from hummingbird.keypair import make_wireguard_key

        bundle = _bundle(parsed_args.bundle) if parsed_args.bundle else ""
        # Before a claim is made that nobody gets.
        _check_target(target, self.app.stdout)
        private_key, public_key = make_wireguard_key()
        body: dict[str, Any] = {"claim_key": public_key}
        if parsed_args.hours is not None:
            body["hours"] = parsed_args.hours
        if parsed_args.no_ssh_key:
            body["authorize"] = False
        told = self.client.post(path("tunnels", parsed_args.host, "claim"), body)
        text = str(told["script"])
        text = text.replace(CLAIM_PLACE, private_key).replace(BUNDLE_PLACE, bundle)
        self._deliver(_cloud_init(text) if parsed_args.cloud_init else text, target)

    def _deliver(self, text: str, target: Path | None) -> None:
        text = text.rstrip("\n")
        if target is None:
            self.put(text)
            return
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise _unwritable(target, error) from error
        self.say(f"{target}: written; hand it over as you would a password")


def _check_target(target: Path | None, stdout: TextIO) -> None:
    """See that what is to be written gets into no file that others can read.

    :raises Failure: it would, or the file is there already.
    """
    if target is not None:
        if os.path.lexists(target):
            raise Failure(f"{target} exists already; a claim is written to a new file.")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise Failure(f"{target.parent} is no folder that you can write into.")
        return
    try:
        mode = os.fstat(stdout.fileno()).st_mode
    except (OSError, ValueError):  # no file at all, as in tests
        return
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise Failure(
            "Others can read the file that this is written to, and it carries a claim;"
            " say --output FILE instead."
        )


def _unwritable(target: Path, error: OSError) -> Failure:
    return Failure(f"{target} can't be written: {error.strerror}")


def _bundle(folder: Path) -> str:
    """Return the programs as a packed archive, in base64 with short lines.

    :raises Failure: wg is not there.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in PROGRAMS:
            if (folder / name).is_file():
                member = archive.gettarinfo(str(folder / name), name)
                member.mode, member.uid, member.gid = 0o755, 0, 0
                member.uname = member.gname = "root"
                with (folder / name).open("rb") as stream:
                    archive.addfile(member, stream)
            elif name == "wg":
                raise Failure(f"There is no program wg in {folder}.")
    text = base64.b64encode(packed.getvalue()).decode()
    return "\n".join(text[i : i + _LINE] for i in range(0, len(text), _LINE))


def _cloud_init(script: str) -> str:
    """Return the script as user data (cloud-init documentation, module write_files)."""
    place = "/run/hummingbird-bootstrap.sh"
    content = {
        "write_files": [
            {
                "path": place,
                "permissions": "0600",
                "encoding": "b64",
                "content": base64.b64encode(script.encode()).decode(),
            }
        ],
        "runcmd": [["sh", place], ["rm", "-f", place]],
    }
    # JSON is YAML.
    return "#cloud-config\n" + json.dumps(content, indent=1)
