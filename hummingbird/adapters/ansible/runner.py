# SPDX-License-Identifier: Apache-2.0
"""Runs a playbook, and leaves nothing behind.

Everything of a run (key, inventory, Ansible's own scratch) is in one folder, 0700, that
is removed on every path (run_folder.py); nothing secret is in an argument or in the
environment. `run` blocks its thread; several may run at once, each on its own host.

Playbook processes end with the run, with a cancel, with the time-out, and with this very
process (see guard.py). A crash of the whole machine leaves the folder; the next
`AnsibleRunner` on the same scratch folder removes it.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hummingbird.adapters.ansible import (
    channel,
    confine,
    guard,
    inventory,
    lease,
    modules,
    process,
    program,
    run_folder,
)
from hummingbird.adapters.ansible import event as ansible_event
from hummingbird.adapters.ansible.playbook import (
    HostAccess,
    PlaybookEvent,
    PlaybookResult,
    ResultStatus,
)
from hummingbird.clock import Clock, SystemClock
from hummingbird.errors import (
    BadRequest,
    HostKeyChanged,
    HostUnreachable,
    HummingbirdError,
    RunFailed,
)

LOG = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")

_KEPT_ENVIRONMENT = ("PATH", "TZ")
"""Of this process's own; the rest is none of the playbook's business."""

_OWN_MODULES = "modules"
"""A folder of the run's, for what no run packed before it."""

_KNOWN_HOSTS_BYTES = 16_384
"""The longest key, RSA's of 16384 bits, takes 2 800."""

_KEY_CHANGED = re.compile(
    r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed"
)
"""OpenSSH's words (sshconnect.c)."""


@dataclass
class _Watch:
    """What is seen of one run while it goes on."""

    on_event: Callable[[PlaybookEvent], None]
    should_cancel: Callable[[], bool]
    clock: Clock
    deadline: float
    secrets: tuple[str, ...]
    changed: int = 0
    ok: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    failure: PlaybookEvent | None = None
    is_timed_out: bool = False
    raised: BaseException | None = field(default=None, repr=False)

    def handle(self, raw: Mapping[str, Any]) -> None:
        """Pass on an event of Ansible's."""
        # the last event: also counts what a censored result did not tell
        changed = ansible_event.total(raw, "changed")
        if changed is not None:
            self.changed = changed
            self.facts = ansible_event.told(raw, secrets=self.secrets)
            return
        seen = ansible_event.translate(raw, secrets=self.secrets)
        if seen is None or self.raised is not None:
            return
        self.ok += seen.status in ("ok", "changed")
        self.changed += seen.status == "changed"
        if seen.status in ("failed", "unreachable") and self.failure is None:
            self.failure = seen
        with self._kept():
            self.on_event(seen)

    def is_to_end(self) -> bool:
        """Say whether the run has to be ended now."""
        if self.raised is not None:
            return True
        if self.clock.monotonic() >= self.deadline:
            self.is_timed_out = True
            return True
        with self._kept():
            return self.should_cancel()
        return True

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        # raised again when the run has ended
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - raised again when the run has ended
            self.raised = error


class AnsibleRunner:
    """The real PlaybookRunner."""

    def __init__(
        self,
        playbooks: Path,
        scratch: Path,
        *,
        packed: Path,
        clock: Clock | None = None,
        layers: confine.Layers | None = None,
    ) -> None:
        """
        :param playbooks: the folder of the playbooks.
        :param scratch: one (0700) for the runs' own folders.
        :param packed: one (0700) for what stays between them: Ansible's modules, packed.
        :param layers: what runs are confined by; by default all that there is.
        """
        self._playbooks = playbooks.resolve()
        self._scratch = scratch.resolve()
        self._clock = clock or SystemClock()
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._layers = confine.probe() if layers is None else layers
        self._packed = modules.packed_modules(
            packed.resolve(), playbooks=self._playbooks
        )
        run_folder.sweep(self._scratch)
        lease.sweep(self._scratch)
        self._lease = lease.PlaybookLease(self._scratch)

    def allow(self, life: str, seconds: float) -> None:
        """Let playbooks run for `seconds` from now; 0: end those of `life`.

        Who never calls this sets no limit; who does must call it again in time.

        :raises OSError: that can't be written.
        """
        self._lease.extend(life, seconds)

    def run(
        self,
        playbook: str,
        *,
        access: HostAccess,
        hostname: str,
        variables: Mapping[str, object],
        on_event: Callable[[PlaybookEvent], None],
        should_cancel: Callable[[], bool],
        timeout_seconds: float,
        tags: Sequence[str] = (),
        work_directory: Path | None = None,
    ) -> PlaybookResult:
        """Run a playbook; see PlaybookRunner."""
        path = self._path_of(playbook)
        if any(not _NAME.match(tag) for tag in tags):
            raise BadRequest(message=f"{tags!r} are not tags")
        secrets = _secrets(access, variables)
        watch = _Watch(
            on_event=on_event,
            should_cancel=should_cancel,
            clock=self._clock,
            deadline=self._clock.monotonic() + timeout_seconds,
            secrets=secrets,
        )
        LOG.info("Running %s on %s", path.stem, hostname)
        with run_folder.made(self._scratch, work_directory) as folder:
            inventory.write(folder, access, variables=variables)
            status, printed = process.run(
                self._command(
                    path,
                    folder=folder,
                    tags=tags,
                    port=access.port,
                    reads=(self._playbooks, *program.read_by(variables)),
                ),
                directory=self._playbooks,
                environment=self._environment(folder),
                guard_lock=folder.guard_lock,
                on_event=watch.handle,
                is_to_end=watch.is_to_end,
            )
            if status == "successful":
                self._keep_modules(folder)
            if watch.raised is not None:
                raise watch.raised
            shown = folder.taken(inventory.KNOWN_HOSTS, most_bytes=_KNOWN_HOSTS_BYTES)
        said = ansible_event.clean(printed, secrets=secrets)
        result = replace(
            _conclude(status, watch=watch, access=access, hostname=hostname, said=said),
            changed=watch.changed,
            ok=watch.ok,
            facts=watch.facts,
            known_hosts=access.known_hosts or inventory.shown(shown or b""),
        )
        LOG.info(
            "%s on %s: %s, %d changed",
            path.stem,
            hostname,
            result.status,
            result.changed,
        )
        return result

    def _keep_modules(self, folder: run_folder.RunFolder) -> None:
        modules.learn(
            self._packed,
            folder.names(_OWN_MODULES, most=modules.MOST_LISTED),
            playbooks=self._playbooks,
            layers=self._layers,
        )

    def _limit(self) -> list[str]:
        path = self._lease.path
        return [] if path is None else [f"--lease={path}"]

    def _path_of(self, playbook: str) -> Path:
        name = playbook.removesuffix(".yml")
        path = self._playbooks / f"{name}.yml"
        if not _NAME.match(name) or not path.is_file():
            raise BadRequest(message=f"There is no playbook {playbook!r}.")
        return path

    def _command(
        self,
        playbook: Path,
        *,
        folder: run_folder.RunFolder,
        tags: Sequence[str],
        port: int,
        reads: Sequence[Path],
    ) -> list[str]:
        """Return what runs a playbook in `folder`."""
        return [
            sys.executable,
            "-I",
            guard.__file__,
            f"--parent={os.getpid()}",
            f"--lock={folder.guard_lock}",
            *self._limit(),
            f"--wipe={folder.given}",
            f"--wipe={folder.path}",
            f"--wipe={folder.sockets}",
            "--",
            *program.command(
                packed=self._packed,
                own=folder.own / _OWN_MODULES,
                layers=self._layers,
                port=port,
                reads=(folder.given, *reads),
                writes=(folder.own, folder.sockets),
            ),
            *("-i", str(folder.given / inventory.INVENTORY)),
            *(("--tags", ",".join(tags)) if tags else ()),
            str(playbook),
        ]

    def _environment(self, folder: run_folder.RunFolder) -> dict[str, str]:
        kept = {name: os.environ.get(name) for name in _KEPT_ENVIRONMENT}
        return {
            **{name: value for name, value in kept.items() if value is not None},
            "ANSIBLE_CALLBACK_PLUGINS": str(channel.plugin_folder()),
            "ANSIBLE_CONFIG": str(self._playbooks / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder.own / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder.own / "tmp"),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder.sockets),
            "ANSIBLE_STDOUT_CALLBACK": channel.PLUGIN,
            "HOME": str(folder.own),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder.own / "tmp"),
        }


def _secrets(access: HostAccess, variables: Mapping[str, object]) -> tuple[str, ...]:
    """Return what must not be told of a run."""
    ways_in = (access.private_key, access.password, access.become_password)
    return (*ansible_event.secrets_of(variables), *filter(None, ways_in))


def _conclude(
    status: process.Status,
    *,
    watch: _Watch,
    access: HostAccess,
    hostname: str,
    said: str,
) -> PlaybookResult:
    """Return how the run ended, from how it was run and what was seen."""
    if status == "successful":
        return PlaybookResult(status="successful")
    failure = watch.failure
    step = failure.step if failure else None
    task = failure.task if failure else None
    message = failure.message if failure and failure.message else said
    outcome: ResultStatus = "failed"
    error: HummingbirdError | None
    if watch.is_timed_out:
        outcome, message = "timeout", "the playbook took too long and was ended"
        error = RunFailed(step=step or "playbook", message=message)
    elif status == "canceled":
        outcome, message, error = "cancelled", "cancelled", None
    elif _KEY_CHANGED.search(message):
        error = HostKeyChanged(hostname=hostname)
        message = str(error)
    elif failure is not None and failure.status == "unreachable":
        outcome = "unreachable"
        error = HostUnreachable(
            hostname=hostname, address=access.address, message=message
        )
    else:
        error = RunFailed(step=step or "playbook", message=message)
    return PlaybookResult(
        status=outcome,
        failed_step=step,
        failed_task=task,
        message=message,
        error=error,
    )
