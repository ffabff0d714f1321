# SPDX-License-Identifier: Apache-2.0
"""NUMA nodes, logical CPUs and memory, from /sys/devices/system and /proc."""

import re
from pathlib import Path
from typing import Final

from agents.sysinv_agent.files import LARGE, HostFiles, entries, number, text
from hummingbird.wire.section import Cpu, Memory, Node

# ARM kernels have no model name; lscpu(1) falls back on the same words.
_MODEL = ("model name", "cpu model", "Model", "Hardware", "uarch")
_FAMILY = ("cpu family", "CPU architecture", "isa")
_FLAGS = ("flags", "Features", "isa")

_VIRTUALISATION: Final = "ept hypervisor npt sev svm tdx_guest vmx"
_BUILT_FOR: Final = (
    "aes amx_bf16 amx_int8 amx_tile avx avx2 avx512_vnni avx512f bmi2 f16c fma pclmulqdq"
    " popcnt rdrand sha_ni sse4_1 sse4_2"
)
_PROTECTION_AND_TIME: Final = (
    "constant_tsc nonstop_tsc nx pdpe1gb smap smep tsc_deadline_timer"
)
_ARM: Final = "asimd asimddp atomics bf16 crc32 fphp i8mm sha1 sha2 sha3 sve sve2"
_TELLING: Final = frozenset(
    f"{_VIRTUALISATION} {_BUILT_FOR} {_PROTECTION_AND_TIME} {_ARM}".split()
)
"""Of some hundred flags, those by which somebody chooses a host."""


def flags(files: HostFiles) -> list[str]:
    """Return those flags of the CPUs that tell hosts apart, by name."""
    for block in _blocks(files):
        for name in _FLAGS:
            if said := block.get(name):
                return sorted(_TELLING & set(said.split()))
    return []


def nodes(files: HostFiles) -> list[Node]:
    """Return the NUMA nodes; one where the kernel knows none."""
    found: list[Node] = []
    for path in _node_paths(files):
        cpu_count = sum(bool(re.fullmatch(r"cpu\d+", p.name)) for p in entries(path))
        node: Node = {"numa_node": int(path.name[4:]), "cpus": cpu_count}
        distances = (text(path / "distance") or "").split()
        if distances and all(word.isdecimal() for word in distances):
            node["distances"] = [int(word) for word in distances]
        found.append(node)
    if found:
        return sorted(found, key=lambda node: node["numa_node"])
    return [{"numa_node": 0, "cpus": len(_cpu_paths(files))}]


def cpus(files: HostFiles) -> list[Cpu]:
    """Return the CPUs that exist, online or not, by number."""
    described = _described(files)
    on_node = _numa_nodes(files)
    found: list[Cpu] = []
    threads: dict[tuple[int, int], int] = {}
    for path in sorted(_cpu_paths(files), key=lambda p: int(p.name[3:])):
        index = int(path.name[3:])
        package = number(path / "topology/physical_package_id")
        core = number(path / "topology/core_id")
        # Some ARM and virtual machines say -1.
        place = max(package or 0, 0)
        cpu: Cpu = {"cpu": index, "numa_node": on_node.get(index, place)}
        if package is not None and package >= 0:
            cpu["package"] = package
        if core is not None:
            thread = threads.get((place, core), 0)
            threads[place, core] = thread + 1
            cpu |= {"core": core, "thread": thread}
        if number(path / "online") == 0:
            cpu["online"] = False
        found.append(cpu | described.get(index, described.get(-1, {})))
    return found


def memories(files: HostFiles) -> list[Memory]:
    """Return the memory of each NUMA node; of node 0 where the kernel knows none."""
    found: list[Memory] = []
    for path in _node_paths(files):
        total = _kib(text(path / "meminfo") or "", "MemTotal")
        if total is not None:
            pages = path / "hugepages"
            found.append(_memory(int(path.name[4:]), total, pages))
    if found:
        return sorted(found, key=lambda m: m["numa_node"])
    total = _kib(text(files.proc / "meminfo") or "", "MemTotal")
    pages = files.sys / "kernel/mm/hugepages"
    return [] if total is None else [_memory(0, total, pages)]


def _memory(node: int, kib: int, pages: Path) -> Memory:
    found: Memory = {"numa_node": node, "memtotal_mib": kib // 1024}
    small = number(pages / "hugepages-2048kB/nr_hugepages")
    large = number(pages / "hugepages-1048576kB/nr_hugepages")
    if small is not None:
        found["vm_hugepages_nr_2M"] = small
    if large is not None:
        found["vm_hugepages_nr_1G"] = large
    found["hugepages_configured"] = bool(small or large)
    return found


def _blocks(files: HostFiles) -> list[dict[str, str]]:
    found = []
    for block in (text(files.proc / "cpuinfo", most=LARGE) or "").split("\n\n"):
        said = {}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            said[name.strip()] = value.strip()
        found.append(said)
    return found


def _described(files: HostFiles) -> dict[int, Cpu]:
    """Return model and family by CPU; -1: of all, said once at the end."""
    found: dict[int, Cpu] = {}
    for said in _blocks(files):
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


def _cpu_paths(files: HostFiles) -> list[Path]:
    folder = files.sys / "devices/system/cpu"
    return [p for p in entries(folder) if re.fullmatch(r"cpu\d+", p.name)]


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
