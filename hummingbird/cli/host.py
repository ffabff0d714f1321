# SPDX-License-Identifier: Apache-2.0
"""`hummingbird host-*`: the inventory of EdgeWorkers, and what is wanted of each.

The words are StarlingX's own (`system host-add -n NAME -p edgeworker`); the address and
the way in, which its client does not know, are ours.
"""

import argparse
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from hummingbird.cli.client import path
from hummingbird.cli.command import FOR_PEOPLE, Act, List, OfHost, Show, add_if_match
from hummingbird.cli.condition import in_short
from hummingbird.cli.failure import Failure

_HOSTS = path("ihosts")


def stand_in_mac(hostname: str) -> str:
    """Return a MAC address for a host whose own is not known yet.

    The inventory is keyed by one (StarlingX's `mgmt_mac`).  02 marks it as locally
    administered (IEEE 802, section 8.2), so it can't be a vendor's; the rest is from
    the name's hash, so that the same command gives the same one.
    """
    digest = hashlib.sha256(hostname.lower().encode()).hexdigest()
    return ":".join(["02", *(digest[i : i + 2] for i in range(0, 10, 2))])


def add_host_key(parser: argparse._ActionsContainer) -> None:
    """Add the option that says a host's SSH key."""
    parser.add_argument(
        "--host-key",
        metavar="KEY",
        help="its public SSH host key, as /etc/ssh/ssh_host_ed25519_key.pub on it says:"
        " 'ssh-ed25519 AAAA…'; each login is held to it, the first one too",
    )


class HostAdd(Show):
    """Add a host to the inventory, locked: nothing is done to it until it is unlocked.

    Without --mgmt-mac a stand-in is made from the name; the ports that the host's agent
    reports later have the real ones.
    """

    examples = (
        "hummingbird host-add -n edge-0 -i 192.168.204.101",
        "hummingbird host-add -n kiosk-7 -i 10.20.0.11 --credential shop --location Ulm",
        "hummingbird host-add -n edge-3 -i 192.168.204.131 --underlay 10.40.0.11",
        "hummingbird host-add -n kiosk-8 --emn shops",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "-n", "--hostname", required=True, help="its name, and its node's"
        )
        parser.add_argument(
            "-i",
            "--mgmt-ip",
            metavar="ADDRESS",
            help="its address; one of the known networks contains it (see emn-add)",
        )
        parser.add_argument(
            "--underlay",
            metavar="ADDRESS",
            help="in a network that is attached by a tunnel: the address that it has"
            " already, where the tunnel ends",
        )
        parser.add_argument(
            "--emn",
            metavar="NAME",
            help="the network it is in; without an address it is given one there, of"
            " each of the network's families",
        )
        parser.add_argument(
            "-m", "--mgmt-mac", metavar="MAC", help="the MAC address of that interface"
        )
        parser.add_argument(
            "-p",
            "--personality",
            default="edgeworker",
            help="what it is to be (default: edgeworker, and nothing else for now)",
        )
        parser.add_argument(
            "--credential",
            metavar="NAME",
            help="how to get into it (default: its network's, else the one named"
            " default)",
        )
        parser.add_argument("--location", metavar="TEXT", help="where it stands")
        add_host_key(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Add the host and return it."""
        body: dict[str, Any] = {
            "hostname": given.hostname,
            "personality": given.personality,
            "mgmt_mac": given.mgmt_mac or stand_in_mac(given.hostname),
        }
        for name in ("mgmt_ip", "underlay", "emn", "credential", "host_key"):
            if getattr(given, name) is not None:
                body[name] = getattr(given, name)
        if given.location is not None:
            body["location"] = {"locn": given.location}
        added: Mapping[str, Any] = self.client.post(_HOSTS, body)
        return added


class HostList(List):
    """List the hosts."""

    examples = (
        "hummingbird host-list",
        "hummingbird host-list -f json -c hostname -c availability",
    )
    columns = (
        "id",
        "hostname",
        "personality",
        "mgmt_ip",
        "administrative",
        "operational",
        "availability",
        "task",
    )

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return the hosts."""
        found: list[Mapping[str, Any]] = self.client.get(_HOSTS)["ihosts"]
        return found


class HostShow(OfHost, Show):
    """Show one host, named by its name, number or uuid."""

    examples = ("hummingbird host-show edge-0",)

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Return the host."""
        found: Mapping[str, Any] = self.client.get(path("ihosts", given.host))
        if given.formatter in FOR_PEOPLE and "conditions" in found:
            return {**found, "conditions": in_short(found["conditions"])}
        return found


class HostUpdate(Show):
    """Change what the inventory says of a host."""

    examples = (
        'hummingbird host-update edge-0 location=\'{"locn": "Ulm"}\'',
        "hummingbird host-update edge-0 --mgmt-ip 192.168.204.102",
        "hummingbird host-update edge-0 --forget-host-key",
        "hummingbird host-update edge-0 --host-key 'ssh-ed25519 AAAA…'",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST")
        parser.add_argument(
            "values", metavar="NAME=VALUE", nargs="*", help="attributes to set"
        )
        parser.add_argument(
            "-i", "--mgmt-ip", metavar="ADDRESS", help="its address; it must be locked"
        )
        parser.add_argument(
            "--underlay",
            metavar="ADDRESS",
            help="where its tunnel ends: the address that it has already; none: nowhere",
        )
        parser.add_argument(
            "--credential", metavar="NAME", help="how to get into it from now on"
        )
        parser.add_argument("--location", metavar="TEXT", help="where it stands")
        key = parser.add_mutually_exclusive_group()
        add_host_key(key)
        key.add_argument(
            "--forget-host-key",
            action="store_true",
            help="accept another SSH host key at the next contact: it was installed"
            " anew",
        )
        add_if_match(parser)
        return parser

    def find(self, given: argparse.Namespace) -> Mapping[str, Any]:
        """Change the host and return it."""
        wanted: dict[str, Any] = {}
        for word in given.values:
            name, mark, value = word.partition("=")
            if not mark or not name:
                raise Failure(f"{word!r} is not NAME=VALUE.")
            wanted[name] = value
        if given.underlay is not None:
            wanted["underlay"] = given.underlay
        if given.mgmt_ip is not None:
            wanted["mgmt_ip"] = given.mgmt_ip
        if given.credential is not None:
            wanted["credential"] = given.credential
        if given.location is not None:
            wanted["location"] = {"locn": given.location}
        if given.host_key is not None:
            wanted["host_key"] = given.host_key
        if given.forget_host_key:
            wanted["forget_host_key"] = True
        if not wanted:
            raise Failure("Nothing to change was named; see the command's --help.")
        changed: Mapping[str, Any] = self.client.patch(
            path("ihosts", given.host),
            _replacements(wanted),
            if_match=given.if_match,
        )
        return changed


def _replacements(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a JSON patch (RFC 6902) that sets these attributes."""
    return [
        {"op": "replace", "path": f"/{name}", "value": value}
        for name, value in values.items()
    ]


class _Request(Act):
    """Asks for a run on each of some hosts, and watches them if told to."""

    kinds: ClassVar[tuple[str, ...]]
    """What kinds of runs it may lead to."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("hosts", metavar="HOST", nargs="+")
        parser.add_argument(
            "--wait",
            action="store_true",
            help="show each step until it is done; Ctrl-C stops only the watching",
        )
        return parser

    def request(self, host: str, given: argparse.Namespace) -> None:
        """Ask for it."""
        raise NotImplementedError

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Ask for all, then say how to follow, or follow."""
        runs: list[Mapping[str, Any]] = []
        for name in dict.fromkeys(parsed_args.hosts):
            hostname = self.client.get(path("ihosts", name))["hostname"]
            last = max((run["id"] for run in self._runs(hostname)), default=0)
            self.request(hostname, parsed_args)
            new = [
                run
                for run in self._runs(hostname)
                if run["id"] > last and run["kind"] in self.kinds
            ]
            if new:
                runs.append(new[-1])
            else:
                self.say(f"{hostname}: done")
        if parsed_args.wait and runs:
            return self.follow(runs)
        for run in runs:
            self.say(
                f"{run['kind']} of {run['hostname']} is run {run['id']}; follow it:"
                f" hummingbird run-show {run['id']} --follow"
            )
        return 0

    def _runs(self, hostname: str) -> list[Mapping[str, Any]]:
        """Return the host's latest runs, the latest first."""
        found: list[Mapping[str, Any]] = self.client.get(
            path("runs"), host=hostname, limit=10
        )["runs"]
        return found


class _Action(_Request):
    action: ClassVar[str]

    def request(self, host: str, given: argparse.Namespace) -> None:
        """Ask for the action, as StarlingX's client does."""
        self.client.patch(path("ihosts", host), _replacements({"action": self.action}))


class HostUnlock(_Action):
    """Bring hosts into service; provision them first where that is due.

    It installs a container runtime and Kubernetes' node programs, joins the cluster,
    and waits for the first heartbeat.
    """

    examples = (
        "hummingbird host-unlock edge-0 --wait",
        "hummingbird host-unlock edge-0 edge-1 --wait",
    )
    action = "unlock"
    kinds = ("unlock",)


class HostLock(_Action):
    """Take hosts out of service: their workloads move away.

    The hosts stay in the cluster and in the inventory.
    """

    examples = ("hummingbird host-lock edge-0 --wait",)
    action = "lock"
    kinds = ("lock", "force-lock")

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--force",
            action="store_true",
            help="at once, without moving the workloads away",
        )
        return parser

    def request(self, host: str, given: argparse.Namespace) -> None:
        """Ask for a lock, or for a forced one."""
        action = "force-lock" if given.force else "lock"
        self.client.patch(path("ihosts", host), _replacements({"action": action}))


class HostReboot(_Action):
    """Reboot hosts that are locked."""

    examples = ("hummingbird host-reboot edge-0 --wait",)
    action = "reboot"
    kinds = ("reboot",)


class HostReset(_Action):
    """Reboot hosts that are locked, without waiting for what runs on them to end."""

    examples = ("hummingbird host-reset edge-0 --wait",)
    action = "reset"
    kinds = ("reset",)


class HostPowerOn(_Action):
    """Switch hosts on, through their board management controllers (host-board-set).

    A host without one has a button: press it, it comes online by itself.
    """

    examples = ("hummingbird host-power-on edge-0 --wait",)
    action = "power-on"
    kinds = ("power-on",)


class HostPowerOff(_Action):
    """Switch hosts off that are locked.

    They shut down in good order if they can; where there is a board management
    controller, it cuts the power of those that don't.

    One that is off is neither lost nor recovered. It comes online by itself when it is
    switched on again.
    """

    examples = ("hummingbird host-power-off edge-0 --wait",)
    action = "power-off"
    kinds = ("power-off",)


class HostReinstall(_Action):
    """Provision hosts that are locked once more; they stay locked.

    Every step is gone through again; those that find their work done change nothing.
    """

    examples = ("hummingbird host-reinstall edge-0 --wait",)
    action = "reinstall"
    kinds = ("reinstall",)


class HostDelete(_Request):
    """Retire hosts that are locked: undo on them what we did, forget them.

    A host that does not answer is forgotten all the same; the run says that it keeps
    what was put on it.
    """

    examples = ("hummingbird host-delete edge-0 --wait",)
    kinds = ("retire",)

    def request(self, host: str, given: argparse.Namespace) -> None:
        """Ask for it to be retired."""
        self.client.delete(path("ihosts", host))
