# SPDX-License-Identifier: Apache-2.0
"""One edge host: a systemd-nspawn container that behaves like a box with a plug.

A thread of the lab's first process (`_supervise`) keeps what `wanted` says: it starts
the host with new network interfaces, starts it again when the host reboots itself,
and leaves it off when its power was cut or it powered itself off.  The disk, an
overlay over the root file system that all hosts share, lives as long as the lab.

A power cut is SIGKILL of the host's process 1; the kernel ends the rest at once.  The
page cache is not lost, unlike on a real box.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from hummingbird_lab import cgroup, network, rootfs
from hummingbird_lab.cable import Cable
from hummingbird_lab.command import run
from hummingbird_lab.errors import LabError
from hummingbird_lab.inventory import SSH_USER, HostPlan
from hummingbird_lab.sandbox import children, is_namespace_init

# nspawn(1): with --keep-unit a reboot of the container is the caller's to carry out.
_REBOOT_STATUS = 133
_SYSTEMD_REBOOT = signal.SIGRTMIN + 5
"""systemd(1): start reboot.target."""

_CONSOLE_SHOWN = 2000
"""Letters of a host's console that stand in an error."""

_ENTER_GROUPS = """\
for group in $GROUPS_TO_ENTER; do echo $$ >"$group/cgroup.procs" || exit 1; done
unset GROUPS_TO_ENTER
exec "$@"
"""


class Host:
    """One host and the thread that minds it."""

    def __init__(
        self,
        plan: HostPlan,
        *,
        folder: Path,
        tree: Path,
        groups: list[Path],
        public_key: str,
    ) -> None:
        self.plan = plan
        self.cable = Cable(
            plan.name,
            owner=plan.name,
            device="eth0",
            switch=plan.network,
            mac=plan.mac,
        )
        self.lan_cable = (
            Cable(
                f"{plan.name}-lan",
                owner=plan.name,
                device="eth1",
                switch=plan.lan,
                mac=plan.mac.replace(":00:", ":01:", 1),
            )
            if plan.lan
            else None
        )
        self._folder = folder
        self._tree = tree
        self._lab_groups = groups
        self._groups: list[Path] = []
        self._public_key = public_key
        self._changed = threading.Condition()
        self._wanted = True
        self._process: subprocess.Popen[bytes] | None = None
        self._guest: int | None = None
        self._end: str | None = None

    def start(self) -> None:
        """Make the disk and begin to mind the host; returns while it boots."""
        self._make_disk()
        name = f"host-{self.plan.name}"
        threading.Thread(target=self._supervise, name=name, daemon=True).start()

    @property
    def is_on(self) -> bool:
        """Whether the host has power, booted or not."""
        return self._process is not None

    def wait_for_ssh(self, *, timeout_s: float) -> None:
        """Return when the host's SSH server says hello.

        :raises LabError: it did not within `timeout_s` seconds, or has gone off; the text
            has the end of its console.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._end is None:
            try:
                with network.connect(
                    self.plan.reached_from, self.plan.address, 22, timeout_s=0.5
                ) as plug:
                    if plug.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.03)
        what = self._end or f"did not answer SSH within {timeout_s:g} s"
        raise LabError(f"{self.plan.name} {what}; its console:\n{self._console()}")

    def _console(self) -> str:
        log = self._folder / "console.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return text[-_CONSOLE_SHOWN:] or "(nothing)"

    def power_off(self, *, timeout_s: float = 20.0) -> None:
        """Pull the plug and return when nothing of the host runs any more."""
        with self._changed:
            self._wanted = False
            if not self.is_on:
                return
            self._changed.wait_for(lambda: self._guest or not self.is_on, timeout_s)
            self._kill_guest()
            # A frozen process of a v1 group dies only when it may go on.
            cgroup.freeze(self._groups, frozen=False)
            if not self._changed.wait_for(lambda: not self.is_on, timeout_s):
                raise LabError(f"{self.plan.name} is still there after {timeout_s} s")

    def power_on(self) -> None:
        """Plug it in again, with the disk it had; returns while it boots."""
        with self._changed:
            self._end = None
            self._wanted = True
            self._changed.notify_all()

    def reboot(self) -> None:
        """Ask the host for an orderly reboot; returns at once.

        :raises LabError: the host is off.
        """
        guest = self._guest
        if guest is None:
            raise LabError(f"{self.plan.name} is off")
        os.kill(guest, _SYSTEMD_REBOOT)

    def freeze(self, *, frozen: bool) -> None:
        """Make the host hang (its kernel still answers a ping), or end that.

        :raises LabError: the host is off.
        """
        if not self.is_on:
            raise LabError(f"{self.plan.name} is off")
        cgroup.freeze(self._groups, frozen=frozen)

    def _kill_guest(self) -> None:
        """End the host's process 1, and so the host; nspawn's own end would not."""
        if self._guest is not None and is_namespace_init(self._guest):
            os.kill(self._guest, signal.SIGKILL)

    def _find_guest(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until nspawn has made the host's process 1, and remember it."""
        while process.poll() is None:
            for pid in children(process.pid):
                if is_namespace_init(pid):
                    with self._changed:
                        self._guest = pid
                        self._changed.notify_all()
                    return
            time.sleep(0.02)

    def _make_disk(self) -> None:
        """Lay an empty disk over the shared tree and write the host's own files."""
        upper = self._folder / "disk"
        for name in ("disk", "work", "root", "containerd"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        plan = self.plan
        gateway = f"Gateway={plan.gateway}\n" if plan.gateway else ""
        files = {
            "etc/hostname": f"{plan.name}\n",
            "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {plan.name}\n",
            "etc/systemd/network/10-eth0.network": (
                f"[Match]\nName=eth0\n\n[Network]\nAddress={plan.address}/{plan.prefix}\n"
                f"{gateway}LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            ),
        }
        for path, text in files.items():
            target = upper / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            # systemd-networkd is not root.
            target.chmod(0o644)
        options = (
            f"lowerdir={self._tree},upperdir={upper},workdir={self._folder / 'work'}"
        )
        root = self._folder / "root"
        run(["mount", "-t", "overlay", "overlay", "-o", options, root])
        keys = root / "home" / SSH_USER / ".ssh"
        keys.mkdir(mode=0o700)
        (keys / "authorized_keys").write_text(self._public_key)
        owner = (root / "home" / SSH_USER).stat()
        for path_in_home in (keys, keys / "authorized_keys"):
            shutil.chown(path_in_home, owner.st_uid, owner.st_gid)

    def _supervise(self) -> None:
        """Keep the host as it is wanted until the lab ends."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted)
                try:
                    process = self._plug_in()
                except (LabError, OSError) as error:
                    self._wanted, self._end = False, f"could not be started: {error}"
                    self._changed.notify_all()
                    print(f"{self.plan.name} {self._end}", flush=True)
                    continue
            self._find_guest(process)
            status = process.wait()
            self._kill_guest()  # if nspawn died alone
            cgroup.remove(self._groups, within_s=5.0)
            self.cable.unplug()
            if self.lan_cable:
                self.lan_cable.unplug()
            with self._changed:
                self._process = self._guest = None
                if status != _REBOOT_STATUS:
                    self._wanted, self._end = False, f"went off, nspawn said {status}"
                self._changed.notify_all()
            print(f"{self.plan.name} went off, nspawn said {status}", flush=True)

    def _plug_in(self) -> subprocess.Popen[bytes]:
        network.renew_namespace(self.plan.name)
        self.cable.plug()
        if self.lan_cable:
            self.lan_cable.plug()
        self._groups = cgroup.make(
            self._lab_groups, self.plan.name, memory=self.plan.memory
        )
        with (self._folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                ["sh", "-c", _ENTER_GROUPS, "sh", *self._nspawn()],
                env=os.environ
                | {
                    "GROUPS_TO_ENTER": " ".join(str(group) for group in self._groups),
                    # Its own network settings are the host's to change.
                    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        return self._process

    def _nspawn(self) -> list[str]:
        """Return the command of the container; facts are systemd-nspawn(1)'s."""
        binds = ["/dev/null:/dev/kmsg"]  # the kubelet opens it; the real log is ours
        binds += [path for path in ("/dev/net/tun", "/dev/fuse") if Path(path).exists()]
        # The kernel refuses an overlay as the upper side of an overlay.
        binds.append(f"{self._folder / 'containerd'}:/var/lib/containerd")
        return [
            "systemd-nspawn",
            f"--directory={self._folder / 'root'}",
            f"--machine={self.plan.name}",
            f"--hostname={self.plan.name}",
            f"--network-namespace-path={network.NAMESPACES / self.plan.name}",
            "--kill-signal=SIGRTMIN+3",
            "--register=no",
            "--keep-unit",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--console=pipe",
            "--capability=CAP_NET_ADMIN",
            # runc needs both: session keyrings, and BPF where groups are v2.
            "--system-call-filter=@keyring bpf",
            *(f"--bind={bind}" for bind in binds),
            rootfs.FIRST_PROGRAM,
        ]
