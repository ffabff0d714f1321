# SPDX-License-Identifier: Apache-2.0
"""Makes files have a content, remembering for the retirement what stood there before.

All files of one role go in one call: over a WAN each module call is a round trip. A file
of the same owner that is no longer asked for is given back. Says also whether the unit
that reads them still runs on what stood there before, so that a run that was cut
between the write and the restart is mended by the next one.
"""

import base64
import os

from ansible.module_utils import host_manifest, host_snapshot
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: tracked_files
short_description: Write files and remember what stood there before
options:
  owner:
    description: Who asks, normally the role; its files that are not listed are given back.
    type: str
    required: true
  files:
    description: What has to be there.
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: Absolute path., type: str, required: true}
      content: {description: The whole text., type: str, required: true}
      encoding: {description: What C(content) is., type: str, choices: [text, base64], default: text}
      mode: {description: Octal mode., type: str, default: "0644"}
      restarts: {description: Whether C(unit) reads it at its start only., type: bool, default: false}
  generated:
    description: Paths that C(unit) itself writes out of these files; remembered, not written.
    type: list
    elements: str
    default: []
  unit:
    description: The systemd unit that reads these files.
    type: str
"""

RETURN = r"""
written: {description: Paths that were written., type: list, returned: always}
removed: {description: Paths that were given back., type: list, returned: always}
restart_needed: {description: Whether the unit runs on older files., type: bool, returned: always}
runs: {description: Whether the unit is active and enabled., type: bool, returned: always}
reload_needed: {description: Whether systemd has read older unit files., type: bool, returned: always}
"""


def is_as_wanted(path, content, mode):
    """Return whether `path` is a regular file of root with this content and mode."""
    try:
        if os.path.islink(path):
            return False
        status = os.stat(path)
        if (status.st_mode & 0o7777, status.st_uid, status.st_gid) != (mode, 0, 0):
            return False
        with open(path, "rb") as file:
            return file.read() == content
    except FileNotFoundError:
        return False


def properties_of(unit):
    """Return what systemd says of a unit, by property."""
    wanted = "ActiveState,ActiveEnterTimestamp,NeedDaemonReload,UnitFileState"
    shown = host_snapshot.run(
        "systemctl", "show", "--timestamp=unix", "-p", wanted, unit
    )
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def restart_is_needed(properties, paths):
    """Return whether a unit runs since before one of `paths` was written."""
    since = properties.get("ActiveEnterTimestamp", "").lstrip("@")
    if properties.get("ActiveState") != "active" or not since.isdigit():
        return False
    written = (int(os.stat(path).st_mtime) for path in paths if os.path.exists(path))
    return any(moment > int(since) for moment in written)


def main():
    module = AnsibleModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "content": {"type": "str", "required": True},
                    "encoding": {
                        "type": "str",
                        "choices": ["text", "base64"],
                        "default": "text",
                    },
                    "mode": {"type": "str", "default": "0644"},
                    "restarts": {"type": "bool", "default": False},
                },
            },
            "generated": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str"},
        },
        supports_check_mode=True,
    )
    manifest = host_manifest.load()
    if manifest is None:
        module.fail_json(
            msg="Nothing was recorded on this host yet; run node_config first."
        )
    owner = module.params["owner"]
    wanted = {}
    for file in module.params["files"]:
        path = os.path.normpath(file["path"])
        if not path.startswith("/etc/"):
            module.fail_json(msg="Only files below /etc are tracked.")
        content = file["content"].encode()
        if file["encoding"] == "base64":
            content = base64.b64decode(content)
        wanted[path] = (content, int(file["mode"], 8), file["restarts"])

    generated = [os.path.normpath(path) for path in module.params["generated"]]
    removed = [
        path
        for path, record in manifest["files"].items()
        if record.get("owner") == owner and path not in wanted and path not in generated
    ]
    written = [
        path
        for path, (content, mode, _) in wanted.items()
        if not is_as_wanted(path, content, mode)
    ]
    untracked = [
        path for path in [*wanted, *generated] if path not in manifest["files"]
    ]
    if not module.check_mode:
        for path in untracked:
            host_manifest.remember(manifest, path)
            manifest["files"][path]["owner"] = owner
        if untracked:
            host_manifest.save(manifest)
        for path in written:
            content, mode, _ = wanted[path]
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            host_manifest.write_atomically(path, content, mode=mode)
        for path in removed:
            host_manifest.give_back(manifest, path)
            del manifest["files"][path]
        if removed:
            host_manifest.save(manifest)

    unit = module.params["unit"]
    properties = properties_of(unit) if unit else {}
    module.exit_json(
        changed=bool(written or removed),
        written=written,
        removed=removed,
        runs=properties.get("ActiveState") == "active"
        and properties.get("UnitFileState") == "enabled",
        restart_needed=restart_is_needed(
            properties, [path for path, want in wanted.items() if want[2]]
        ),
        reload_needed=properties.get("NeedDaemonReload") == "yes",
    )


if __name__ == "__main__":
    main()
