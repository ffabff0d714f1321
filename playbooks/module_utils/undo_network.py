# SPDX-License-Identifier: Apache-2.0
"""Takes away what Kubernetes and a pod network left in the kernel's network.

Chains, tables and interfaces that were there before us are never touched, whatever their
name. Everything here may be run any number of times.
"""

import os
import re
import subprocess
from typing import Any

from ansible.module_utils import host_snapshot

_OURS = re.compile(r"^(KUBE-|CNI-|cali-|FLANNEL-|CILIUM_)")
"""Chains of kubelet, kube-proxy, the CNI plugins, Calico, Flannel, Cilium."""

_OUR_TABLES = re.compile(r"^(kube-proxy|kube-flannel|calico|cilium)")

_OUR_INTERFACES = re.compile(
    r"^(cni\d+|veth.+|cali.+|flannel[.-].+|tunl0|vxlan\.calico|kube-ipvs0|nodelocaldns|cilium_.+|lxc.+)$"
)

_SYSCTLS = re.compile(
    r"^(net\.ipv4\.(ip_forward|tcp_mtu_probing)$|net\.ipv[46]\.conf\..*\.(forwarding|route_localnet|rp_filter|"
    r"arp_ignore|arp_announce|accept_ra|accept_dad|disable_ipv6|accept_redirects|"
    r"send_redirects|proxy_arp|accept_local)$|"
    r"net\.bridge\.|net\.netfilter\.nf_conntrack_|net\.core\.somaxconn$|"
    r"kernel\.(panic|panic_on_oops|keys\.root_max.*)$|vm\.(overcommit_memory|panic_on_oom)$)"
)
"""What the kubelet, kube-proxy, the CNI plugins and our own file set."""


def firewall(baseline: dict[str, Any]) -> bool:
    """Remove rules, chains and tables that are not of before; return whether any were."""
    before = {tuple(chain) for chain in baseline["nft"]}
    kept_names = {chain for _, _, chain in before}
    changed = False
    for tool in ("iptables", "ip6tables"):
        changed = _without_our_chains(tool, kept_names) or changed
    for chain in list(host_snapshot.nft_chains()):
        if chain not in before and not chain[2] and _OUR_TABLES.match(chain[1]):
            host_snapshot.nft_delete(chain)
            changed = True
    return _without_empty(before) or changed


def _without_our_chains(tool: str, kept: "set[str]") -> bool:
    rules = host_snapshot.run(tool + "-save")
    ours = set(re.findall(r"^:(\S+) ", rules, re.MULTILINE))
    ours = {name for name in ours if _OURS.match(name) and name not in kept}
    if not ours:
        return False
    names = re.compile("(^:| |^)(" + "|".join(map(re.escape, sorted(ours))) + r")( |$)")
    rest = [line for line in rules.splitlines() if not names.search(line)]
    subprocess.run(
        [tool + "-restore"],
        input="\n".join(rest) + "\n",
        universal_newlines=True,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return True


def _without_empty(before: "set[Any]") -> bool:
    """Delete chains, then tables, that came after `before` and hold nothing."""
    changed = False
    for chain, rules in host_snapshot.nft_chains().items():
        if chain[2] and chain not in before and not rules:
            try:
                host_snapshot.nft_delete(chain)
                changed = True
            except OSError:
                # somebody's rule jumps to it: then it is not ours to take away
                continue
    left = host_snapshot.nft_chains()
    for table in [chain for chain in left if not chain[2] and chain not in before]:
        if not any(chain[:2] == table[:2] and chain[2] for chain in left):
            host_snapshot.nft_delete(table)
            changed = True
    return changed


def interfaces(baseline: dict[str, Any]) -> bool:
    """Delete pod networks' interfaces; return whether there were any."""
    changed = False
    for name in host_snapshot.interfaces():
        if name in baseline["interfaces"] or not _OUR_INTERFACES.match(name):
            continue
        # the peer of a veth that was deleted just now is gone already
        if os.path.exists("/sys/class/net/" + name):
            subprocess.run(
                ["ip", "link", "delete", name], check=False, stderr=subprocess.DEVNULL
            )
            changed = True
    return changed


def sysctls(baseline: dict[str, Any]) -> "tuple[bool, list[str]]":
    """Set back the kernel settings that we are known to change.

    Returns whether anything was changed, and a sentence for each that the kernel refused.
    """
    changed, refused = False, []
    # ip_forward sets every interface's forwarding, so it goes first
    names = sorted(
        baseline["sysctls"], key=lambda name: (name != "net.ipv4.ip_forward", name)
    )
    now = host_snapshot.sysctls()
    for name in names:
        value = baseline["sysctls"][name]
        if not _SYSCTLS.match(name) or now.get(name, value) == value:
            continue
        try:
            with open(
                "/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii"
            ) as file:
                file.write(value)
            changed = True
        except OSError as error:
            refused.append("{}: {}".format(name, error.strerror))
        if name == "net.ipv4.ip_forward":
            now = host_snapshot.sysctls()
    return changed, refused
