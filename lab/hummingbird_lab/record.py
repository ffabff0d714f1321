# SPDX-License-Identifier: Apache-2.0
"""What is written down about a lab in its folder: `lab.json`.

Whoever finds the folder can find the lab by it, and end it: the first process by id
and start time, and the control groups, which are all that a lab has outside.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hummingbird_lab.errors import LabError, LabNotRunning
from hummingbird_lab.sandbox import children, start_time

_NAME = "lab.json"


@dataclass(frozen=True)
class Record:
    """One lab.

    `rootfs`, `programs` and `packages` are the cache's entries that it was made from,
    for the checkout may change meanwhile; `images` are archives by the names they
    get in the registry, `groups` the lab's
    control groups; `first_pid` is 0 until the lab was started.
    """

    id: str
    hosts: tuple[str, ...]
    kubernetes: bool
    rootfs: str
    programs: str
    packages: str
    images: dict[str, str]
    groups: tuple[str, ...]
    first_pid: int = 0
    first_started: int = 0

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read the record of the lab in `folder`.

        :raises LabNotRunning: there is none.
        """
        try:
            fields = json.loads((folder / _NAME).read_text())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LabNotRunning(
                f"there is no lab in {folder}; hummingbird-lab up starts one"
            ) from error
        fields["hosts"] = tuple(fields["hosts"])
        fields["groups"] = tuple(fields["groups"])
        try:
            return cls(**fields)
        except TypeError as error:
            raise LabError(
                f"the lab in {folder} was started by another version of this program:"
                f" end process {fields.get('first_pid')} and remove the folder"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the record, whole or not at all."""
        draft = folder / f".{_NAME}"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(folder / _NAME)

    @property
    def is_running(self) -> bool:
        """Whether the lab's first process is still the one that was started."""
        return bool(self.first_pid) and (
            start_time(self.first_pid) == self.first_started
        )

    def init_pid(self) -> int:
        """Return the lab's process 1 as seen from outside.

        :raises LabNotRunning: the lab has ended.
        """
        below = children(self.first_pid) if self.is_running else []
        if not below:
            raise LabNotRunning("the lab has ended; hummingbird-lab up starts it anew")
        return below[0]
