# SPDX-License-Identifier: Apache-2.0
"""Logical CPUs and memory, from /sys/devices/system and /proc."""

import re
from pathlib import Path

from agents.sysinv_agent.files import HostFiles, entries, number, text
from hummingbird.wire.section import Cpu, Memory

# ARM kernels have no model name; lscpu(1) falls back on the same words.
_MODEL = ("model name", "cpu model", "Model", "Hardware", "uarch")
_FAMILY = ("cpu family", "CPU architecture", "isa")


def cpus(files: HostFiles) -> list[Cpu]:
    """Return the CPUs that exist, online or not, by number."""
    folder = files.sys / "devices/system/cpu"
    described = _described(text(files.proc / "cpuinfo") or "")
    nodes = _numa_nodes(files)
    found: list[Cpu] = []
    threads: dict[tuple[int, int], int] = {}
    paths = (p for p in entries(folder) if re.fullmatch(r"cpu\d+", p.name))
    for path in sorted(paths, key=lambda p: int(p.name[3:])):
        index = int(path.name[3:])
        package = number(path / "topology/physical_package_id") or 0
        core = number(path / "topology/core_id")
        cpu: Cpu = {"cpu": index, "numa_node": nodes.get(index, max(package, 0))}
        if core is not None:
            thread = threads.get((package, core), 0)
            threads[package, core] = thread + 1
            cpu |= {"core": core, "thread": thread}
        found.append(cpu | described.get(index, described.get(-1, {})))
    return found


def memories(files: HostFiles) -> list[Memory]:
    """Return the memory of each NUMA node; of node 0 where the kernel knows none."""
    found: list[Memory] = []
    for path in _node_paths(files):
        content = text(path / "meminfo") or ""
        total = _kib(content, "MemTotal")
        if total is not None:
            huge = _count(content, "HugePages_Total") > 0
            found.append(_memory(int(path.name[4:]), total, huge=huge))
    if found:
        return sorted(found, key=lambda m: m["numa_node"])
    content = text(files.proc / "meminfo") or ""
    total = _kib(content, "MemTotal")
    huge = _count(content, "HugePages_Total") > 0
    return [] if total is None else [_memory(0, total, huge=huge)]


def _memory(node: int, kib: int, *, huge: bool) -> Memory:
    return {
        "numa_node": node,
        "memtotal_mib": kib // 1024,
        "hugepages_configured": huge,
    }


def _described(cpuinfo: str) -> dict[int, Cpu]:
    """Return model and family by CPU; -1: of all, said once at the end."""
    found: dict[int, Cpu] = {}
    for block in cpuinfo.split("\n\n"):
        said = {}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            said[name.strip()] = value.strip()
        processor = said.get("processor", "")
        cpu: Cpu = {}
        model = next((said[name] for name in _MODEL if said.get(name)), None)
        family = next((said[name] for name in _FAMILY if said.get(name)), None)
        if model:
            cpu["cpu_model"] = model
        if family:
            cpu["cpu_family"] = family
        if cpu:
            found[int(processor) if processor.isdecimal() else -1] = cpu
    return found


def _node_paths(files: HostFiles) -> list[Path]:
    folder = files.sys / "devices/system/node"
    return [p for p in entries(folder) if re.fullmatch(r"node\d+", p.name)]


def _numa_nodes(files: HostFiles) -> dict[int, int]:
    return {
        int(cpu.name[3:]): int(node.name[4:])
        for node in _node_paths(files)
        for cpu in entries(node)
        if re.fullmatch(r"cpu\d+", cpu.name)
    }


def _kib(meminfo: str, name: str) -> int | None:
    found = re.search(rf"\b{name}:\s+(\d+) kB", meminfo)
    return int(found[1]) if found else None


def _count(meminfo: str, name: str) -> int:
    found = re.search(rf"\b{name}:\s+(\d+)", meminfo)
    return int(found[1]) if found else 0
