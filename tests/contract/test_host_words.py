# SPDX-License-Identifier: Apache-2.0
"""No word of a host chooses anything on the controller, in any playbook, role or plugin.

What finds such places is itself shown to find them: those that were there once, and one of
each kind.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host_words import PLAYBOOKS, Playbooks

ROOT = PLAYBOOKS.parent

FORMER = {
    "roles/tunnel/tasks/run.yml": """
- name: Write and run the host's end of the tunnel
  tunnel_host:
    program: "{{ lookup('ansible.builtin.file', 'tunnel.sh', rstrip=false) }}"
  register: tunnel_host_first
""",
    "roles/tunnel/tasks/bundle.yml": """
- name: Copy the programs for its processor
  ansible.builtin.copy:
    src: "{{ tunnel_found | first }}"
    dest: "/var/lib/hummingbird-tunnel/bin/{{ item }}"
  vars:
    tunnel_found: >-
      {{ query('ansible.builtin.first_found', {'files': [tunnel_host_first.machine ~ '/' ~ item, item],
                                               'paths': [tunnel_bundle], 'skip': true}) }}
  loop: [wg, wireguard-go]
  when: tunnel_found | length > 0
""",
    "roles/node_config/tasks/record.yml": """
- name: Find this family's settings
  ansible.builtin.include_vars: "{{ lookup('ansible.builtin.first_found', node_config_families) }}"
  vars:
    node_config_families:
      files:
        - "{{ ansible_facts['os_family'] | lower }}.yml"
        - other.yml
      paths: ["{{ role_path }}/vars"]
""",
    "roles/kubernetes_node/tasks/configure.yml": """
- name: Find this family's settings
  ansible.builtin.include_vars: "{{ lookup('ansible.builtin.first_found', kubernetes_node_families) }}"
  vars:
    kubernetes_node_families:
      files: ["{{ ansible_facts['os_family'] | lower }}.yml"]
      paths: ["{{ role_path }}/vars"]
""",
    "roles/container_runtime/tasks/configure.yml": """
- name: Find this family's settings
  ansible.builtin.include_vars: "{{ lookup('ansible.builtin.first_found', container_runtime_families) }}"
  vars:
    container_runtime_families:
      files: ["{{ ansible_facts['os_family'] | lower }}.yml"]
      paths: ["{{ role_path }}/vars"]
""",
}
"""Tasks that let a host read the controller's files, and have variables evaluated there."""

SAID = "{name: ask, tracked_packages: {state: planned}, register: said}"

CHOOSES = {
    "a lookup": "{ansible.builtin.debug: {msg: \"{{ lookup('file', said.x) }}\"}}",
    "a query": "{ansible.builtin.debug: {msg: \"{{ q('file', 'a', said.x) }}\"}}",
    "a lookup by an option": "{ansible.builtin.debug: {msg: \"{{ lookup('file', a=said.x) }}\"}}",
    "a lookup in a condition": "{ansible.builtin.meta: noop, when: lookup('file', said.x) != ''}",
    "a lookup that loops": "{ansible.builtin.debug: {}, with_fileglob: '{{ said.x }}'}",
    "a loop": "{ansible.builtin.debug: {}, loop: '{{ said.x }}'}",
    "a fact": "{ansible.builtin.include_vars: \"{{ ansible_facts['x'] }}.yml\"}",
    "an injected fact": "{ansible.builtin.include_vars: '{{ ansible_os_family }}.yml'}",
    "another's fact": "{ansible.builtin.include_vars: \"{{ hostvars['x'].y }}.yml\"}",
    "variables": "{ansible.builtin.include_vars: {dir: '{{ said.x }}'}}",
    "tasks": "{ansible.builtin.include_tasks: '{{ said.x }}.yml'}",
    "imported tasks": "{ansible.builtin.import_tasks: {file: '{{ said.x }}'}}",
    "a role": "{ansible.builtin.include_role: {name: '{{ said.x }}'}}",
    "a role's part": "{ansible.builtin.include_role: {name: a, tasks_from: '{{ said.x }}'}}",
    "what is copied": "{ansible.builtin.copy: {src: '{{ said.x }}', dest: /a}}",
    "a template": "{ansible.builtin.template: {src: '{{ said.x }}', dest: /a}}",
    "an archive": "{ansible.builtin.unarchive: {src: '{{ said.x }}', dest: /a}}",
    "a script": "{ansible.builtin.script: '{{ said.x }}'}",
    "where something is fetched to": "{ansible.builtin.fetch: {src: /a, dest: '{{ said.x }}'}}",
    "a module": "{ansible.builtin.package: {name: a, use: '{{ said.x }}'}}",
    "a host": "{ansible.builtin.add_host: {name: '{{ said.x }}'}}",
    "a delegate": "{ansible.builtin.command: {argv: [a]}, delegate_to: '{{ said.x }}'}",
    "a connection": "{ansible.builtin.command: {argv: [a]}, connection: '{{ said.x }}'}",
    "a user": "{ansible.builtin.command: {argv: [a]}, become_user: '{{ said.x }}'}",
    "a wait": "{ansible.builtin.command: {argv: [a]}, delay: '{{ said.x }}'}",
    "a connection's variable": "{ansible.builtin.command: {argv: [a]}, vars: {ansible_host: '{{ said.x }}'}}",
    "a variable's name": "{ansible.builtin.set_fact: {'{{ said.x }}': 1}}",
    "an entry": "{ansible.builtin.debug: {msg: '{{ ours[said.x] }}'}}",
    "a variable": "{ansible.builtin.debug: {msg: \"{{ lookup('vars', said.x) }}\"}}",
    "a filter": "{ansible.builtin.debug: {msg: '{{ ours | map(said.x) }}'}}",
    "a file that is looked for": "{ansible.builtin.debug: {msg: '{{ said.x is file }}'}}",
    "some files": "{ansible.builtin.debug: {msg: '{{ said.x | fileglob }}'}}",
    "YAML": "{ansible.builtin.debug: {msg: '{{ said.x | from_yaml }}'}}",
    "a pattern": "{ansible.builtin.debug: {msg: '{{ ours is match(said.x) }}'}}",
    "how long a pattern takes": "{ansible.builtin.debug: {msg: \"{{ said.x is search('a+b') }}\"}}",
    "by way of a variable": "{ansible.builtin.copy: {src: '{{ made }}', dest: /a}, vars: {made: '{{ said.x }}'}}",
    "by way of two": "{ansible.builtin.copy: {src: '{{ b }}', dest: /a}, vars: {b: '{{ a }}', a: '{{ said.x }}'}}",
    "by way of a default": "{ansible.builtin.copy: {src: \"{{ said.x | default('a') }}\", dest: /a}}",
    "by way of a loop": "{ansible.builtin.copy: {src: '{{ item }}', dest: /a}, loop: '{{ said.x }}'}",
    "by way of a template": "{ansible.builtin.copy: {src: \"{{ lookup('template', 'a.j2') }}\", dest: /a}}",
    "in a block": "{block: [{ansible.builtin.copy: {src: '{{ said.x }}', dest: /a}}]}",
    "in a rescue": "{block: [], rescue: [{ansible.builtin.copy: {src: '{{ said.x }}', dest: /a}}]}",
    "something unknown": "{community.general.nmap: {}}",
    "another way to name a module": "{local_action: {module: command, cmd: a}}",
}

IS_FINE = {
    "an argument of a command on the host": "{ansible.builtin.command: {argv: [a, '{{ said.x }}']}}",
    "content of a file of the host": "{ansible.builtin.copy: {content: '{{ said.x }}', dest: /a}}",
    "a sentence": "{ansible.builtin.debug: {msg: '{{ said.x }}'}}",
    "a condition": "{ansible.builtin.meta: end_host, when: said.x == 'a'}",
    "a choice by comparison": "{ansible.builtin.copy: {src: \"{{ 'a' if said.x == 'b' else 'c' }}\", dest: /a}}",
    "a table of ours": "{ansible.builtin.package: {name: a, use: '{{ said.x | package_tool }}'}}",
    "some of ours": "{ansible.builtin.debug: {}, loop: '{{ ours | difference(said.x) }}'}",
    "a plain beginning": "{ansible.builtin.debug: {msg: \"{{ said.x is match('/etc/apt/') }}\"}}",
}


def lay(folder: Path, files: dict[str, str]) -> list[str]:
    """Write files below `folder`; return what is found in them, as lines."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [str(found) for found in Playbooks(folder).findings()]


def play(folder: Path, task: str) -> list[str]:
    library = {"library/tracked_packages.py": "", "a.j2": "{{ said.x }}\n"}
    text = f"- name: play\n  hosts: all\n  tasks:\n    - {SAID}\n    - {task}\n"
    return lay(folder, {**library, "play.yml": text})


def test_no_word_of_a_host_chooses_anything_on_the_controller() -> None:
    assert list(map(str, Playbooks(PLAYBOOKS).findings())) == []


def test_each_place_that_was_there_once_is_found(tmp_path: Path) -> None:
    shutil.copytree(PLAYBOOKS / "library", tmp_path / "library")
    found = lay(tmp_path, FORMER)
    places = {line.split(":")[0] for line in found}
    assert places == set(FORMER) - {"roles/tunnel/tasks/run.yml"}, found
    assert all("a lookup's argument" in line for line in found)


@pytest.mark.parametrize("task", CHOOSES.values(), ids=CHOOSES)
def test_each_way_to_choose_something_is_found(tmp_path: Path, task: str) -> None:
    assert play(tmp_path, task)


@pytest.mark.parametrize("task", IS_FINE.values(), ids=IS_FINE)
def test_what_goes_back_to_the_host_is_its_own_affair(
    tmp_path: Path, task: str
) -> None:
    assert play(tmp_path, task) == []


@pytest.mark.parametrize(
    "line",
    [
        *("hosts: '{{ said.x }}'", "vars_files: ['{{ said.x }}']"),
        *(
            "vars: {ansible_ssh_common_args: '{{ said.x }}'}",
            "remote_user: '{{ said.x }}'",
        ),
        *(
            "roles: ['{{ said.x }}']",
            "roles: [{role: a, vars: {ansible_host: '{{ said.x }}'}}]",
        ),
    ],
)
def test_a_play_is_looked_at_as_its_tasks_are(tmp_path: Path, line: str) -> None:
    assert play(tmp_path, "{ansible.builtin.meta: noop}") == []
    text = f"- name: more\n  {line}\n  tasks: [{SAID}]\n"
    assert lay(tmp_path, {"more.yml": text})


def test_a_variable_of_a_role_is_looked_at(tmp_path: Path) -> None:
    text = "a: \"{{ lookup('file', ansible_facts['x']) }}\"\n"
    assert lay(tmp_path, {"roles/one/vars/main.yml": text})
    assert lay(tmp_path, {"roles/one/vars/main.yml": "a: b\n"}) == []


@pytest.mark.parametrize(
    "text",
    [
        *("import os\n", "from subprocess import run\n", "import yaml\n"),
        *("def a(x):\n    return open(x)\n", "def a(x):\n    return eval(x)\n"),
        "def a(x):\n    return x.read_text()\n",
    ],
)
def test_a_plugin_reaches_for_nothing_else(tmp_path: Path, text: str) -> None:
    assert lay(tmp_path, {"filter_plugins/new.py": text})
    assert lay(tmp_path, {"filter_plugins/new.py": "def a(x):\n    return x\n"}) == []


def test_it_is_a_program_too() -> None:
    done = subprocess.run(
        [sys.executable, "tools/host_words.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done
