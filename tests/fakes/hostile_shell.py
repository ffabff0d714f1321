# SPDX-License-Identifier: Apache-2.0
"""What a hostile host runs in the place of every command. A program for its sshd:

    python3 -I -S hostile_shell.py FOLDER

Keeps what it was sent in FOLDER/heard, and does what FOLDER/answers.json has for the
module that it was sent, or for a piece of the command. Nothing of the command is run.
"""

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

MODULE = re.compile(rb"^ansible_module='(?:[a-z_]+[.])*([a-z_]+)'", re.MULTILINE)
"""Where Ansible says which module it sends (ansible/_internal/_ansiballz/_wrapper.py)."""

SCRATCH = re.compile(r"ansible-tmp-[0-9.-]+")
"""The name that Ansible gives to a folder it wants on the host; it looks for it in the answer."""

SUCCESS = re.compile(r"BECOME-SUCCESS-[a-z]+")

SUDO = re.compile(r"\[sudo via ansible, key=[a-z]+\] password:")
"""What Ansible has sudo ask for (ansible/plugins/become/sudo.py)."""


def say(text: bytes, *, to: int = 1) -> None:
    """Write all of it."""
    while text:
        text = text[os.write(to, text) :]


def act(folder: Path, answer: dict[str, Any]) -> NoReturn:
    """Answer as an attacker would; see hostile_host.Answer."""
    if "flood" in answer:
        for _ in range(answer["flood"] // len(answer["with"]) + 1):
            say(answer["with"].encode(), to=answer.get("to", 1))
    if "drip" in answer:
        while True:
            say(answer["drip"].encode())
            time.sleep(0.05)
    if "wait" in answer:
        time.sleep(3600)
    if "json" in answer:
        say(json.dumps(answer["json"]).encode() + b"\n")
    say(answer.get("text", "").encode("latin-1"))
    say(answer.get("error", "").encode("latin-1"), to=2)
    os._exit(int(answer.get("status", 0)))


def ask(question: str, answers: dict[str, Any]) -> bytes:
    """Ask for the password as sudo does; return what was said. It is wrong where it is not
    the `password` of `sudo`, and said again, as no sudo does, where that `repeats`."""
    say(question.encode(), to=2)
    said = b""
    while not said.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            break
        said += piece
    sudo = answers.get("sudo") or {}
    if sudo.get("repeats"):
        say(b"you said " + said, to=2)
    if said.rstrip(b"\n").decode() != sudo.get("password"):
        say(b"Sorry, try again.\n" + question.encode(), to=2)
        os._exit(1)
    return said


def main() -> None:
    """Be what the host runs."""
    folder = Path(sys.argv[1])
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    heard = folder / "heard" / f"{time.monotonic_ns()}-{os.getpid()}"
    heard.write_text(command)
    answers = json.loads((folder / "answers.json").read_text())
    if "sftp-server" in command:
        os.execv(command.split()[0], command.split())  # noqa: S606 - no shell
    for piece, answer in answers["commands"].items():
        if piece in command:
            act(folder, answer)
    scratch = SCRATCH.search(command)
    if scratch and "mkdir" in command:
        made = folder / "tmp" / heard.name
        made.mkdir()
        act(folder, {"text": f"{scratch[0]}={made}\n"})
    asked = SUDO.search(command)
    told = ask(asked[0], answers) if asked else b""
    heard.write_bytes(command.encode() + b"\n" + told)
    success = SUCCESS.search(command)
    if success:
        say(success[0].encode() + b"\n")
    if "python" not in command:
        act(folder, answers["other"])
    sent = sys.stdin.buffer.read()
    heard.write_bytes(command.encode() + b"\n" + told + sent)
    found = MODULE.search(sent)
    name = found[1].decode() if found else ""
    act(folder, answer_of(folder, name, answers))


def answer_of(folder: Path, name: str, answers: dict[str, Any]) -> dict[str, Any]:
    """Return what a module answers: of several, each call gets the next."""
    found: Any = answers["modules"].get(name) or answers["other"]
    if isinstance(found, list):
        calls = folder / "calls" / name
        done = len(calls.read_bytes()) if calls.exists() else 0
        with calls.open("ab") as file:
            file.write(b".")
        found = found[min(done, len(found) - 1)]
    return dict(found)


if __name__ == "__main__":
    main()
