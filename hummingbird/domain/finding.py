# SPDX-License-Identifier: Apache-2.0
"""Where the path to a host can end, and what a person is told of each end: what it means,
and what to do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Finding(StrEnum):
    """Where the path ends."""

    REACHED = "reached"
    ADDRESS_MISSING = "address_missing"
    ROUTE_MISSING = "route_missing"
    LINK_DOWN = "link_down"
    UNDERLAY_SILENT = "underlay_silent"
    TUNNEL_NEW = "tunnel_new"
    TUNNEL_NEVER_HEARD = "tunnel_never_heard"
    HANDSHAKE_OLD = "handshake_old"
    TUNNEL_UDP_BLOCKED = "tunnel_udp_blocked"
    UDP_BLOCKED = "udp_blocked"
    HOST_SILENT = "host_silent"
    MTU_BLACK_HOLE = "mtu_black_hole"
    SSH_REFUSED = "ssh_refused"
    SSH_SILENT = "ssh_silent"
    SSH_HUNG = "ssh_hung"
    HOST_KEY_CHANGED = "host_key_changed"
    KEY_NOT_PINNED = "key_not_pinned"
    LOGIN_REFUSED = "login_refused"
    KUBERNETES_UNREACHABLE = "kubernetes_unreachable"
    GATEWAY_UNREACHABLE = "gateway_unreachable"
    GATEWAY_UDP_BLOCKED = "gateway_udp_blocked"
    AGENT_SILENT = "agent_silent"
    UNFINISHED = "unfinished"


TELLS: Final[Mapping[Finding, tuple[str, str]]] = {
    Finding.REACHED: ("Everything on the way to {hostname} works.", ""),
    Finding.ADDRESS_MISSING: (
        "Nobody said where {hostname} is.",
        "hummingbird host-update {hostname} --mgmt-ip ADDRESS",
    ),
    Finding.ROUTE_MISSING: (
        "This controller has no route to {target}.",
        "Add a route to {target} on the controller, or bring the interface up that has it.",
    ),
    Finding.LINK_DOWN: (
        "The controller's own interface {link}, which leads to {target}, is down.",
        "Look at its cable and its switch; nothing is said about the host.",
    ),
    Finding.UNDERLAY_SILENT: (
        "{outer}, where the tunnel to {hostname} ends, does not answer.",
        "See whether {end} has power and its uplink; if its address changed:"
        " hummingbird host-update {end} --underlay ADDRESS",
    ),
    Finding.TUNNEL_NEW: (
        "{hostname} has no tunnel yet: the hub knows no key of it.",
        "Run on the host what this prints: hummingbird host-bootstrap {hostname}",
    ),
    Finding.TUNNEL_NEVER_HEARD: (
        "The hub has never heard {hostname}: no packet from its tunnel arrives.",
        "Let UDP out at the site, to {hub} (hummingbird firewall-show --attachment"
        " wireguard), and see that the bootstrap script ran on the host.",
    ),
    Finding.HANDSHAKE_OLD: (
        "The tunnel of {hostname} is down: nothing comes back through it, and its last"
        " handshake is {handshake} old.",
        "The host is off, its uplink is, or UDP to {hub} is blocked there now; when one of"
        " these is mended the tunnel comes back by itself.",
    ),
    Finding.TUNNEL_UDP_BLOCKED: (
        "{outer} answers, but nothing comes through the tunnel of {hostname}; its last"
        " handshake is {handshake} old.",
        "Let UDP from the host to {hub} through, and see `systemctl status"
        " hummingbird-tunnel` on the host.",
    ),
    Finding.UDP_BLOCKED: (
        "{outer} answers, but nothing comes through the VXLAN of {hostname}.",
        "Let UDP 4789 through between the controller and {outer}, both ways, and see"
        " `systemctl status hummingbird-vxlan` on {end}.",
    ),
    Finding.HOST_SILENT: (
        "{address} does not answer at all.",
        "See whether the host has power and its cable, and whether what is in between"
        " forwards to it.",
    ),
    Finding.MTU_BLACK_HOLE: (
        "Packets of more than {mtu_found} bytes to {hostname} vanish, without a word back;"
        " {mtu_wanted} should fit.",
        'hummingbird emn-update {emn} --mtu {mtu_found}, and let ICMP "fragmentation needed"'
        " (of IPv6: packet too big) through where it is dropped.",
    ),
    Finding.SSH_REFUSED: (
        "{address} answers, and refuses port {port}: no SSH server listens there.",
        "Start sshd on the host, or say its port: hummingbird credential-add --port.",
    ),
    Finding.SSH_SILENT: (
        "{address} answers a ping, but not on port {port}: something drops it.",
        "Let TCP {port} through from the controller to the host (hummingbird firewall-show).",
    ),
    Finding.SSH_HUNG: (
        "{address} takes the connection on port {port} and says nothing: the host hangs.",
        "hummingbird host-reset {hostname}, or switch it off and on; look at its disk and"
        " memory.",
    ),
    Finding.HOST_KEY_CHANGED: (
        "{hostname} shows another SSH host key than is pinned.",
        "If it was installed anew: hummingbird host-update {hostname} --host-key KEY, as"
        " /etc/ssh/ssh_host_ed25519_key.pub on it says it; or, to believe whoever answers"
        " next, --forget-host-key. If not, somebody else answers in its place.",
    ),
    Finding.KEY_NOT_PINNED: (
        "{hostname} would be told a password before its SSH host key is known.",
        "hummingbird host-update {hostname} --host-key KEY, as"
        " /etc/ssh/ssh_host_ed25519_key.pub on it says it. ssh-keyscan says what is"
        " answered on the way there, by whomever: compare that with the host first.",
    ),
    Finding.LOGIN_REFUSED: (
        "{hostname} does not let us in: {login}",
        "See the credential's user, key and sudo on the host: hummingbird credential-list",
    ),
    Finding.KUBERNETES_UNREACHABLE: (
        "From {hostname}, {missing} can't be reached.",
        "Let the host through to it (hummingbird firewall-show), and see that its name"
        " resolves and a route leads there.",
    ),
    Finding.GATEWAY_UNREACHABLE: (
        "From {hostname}, {missing} can't be reached.",
        "Let TCP and UDP of the gateway's port through from the host (hummingbird"
        " firewall-show), or say where hosts reach it: [gateway]advertise",
    ),
    Finding.GATEWAY_UDP_BLOCKED: (
        "The heartbeat agent of {hostname} reaches the gateway by TCP, where it asks for its"
        " sessions, and no heartbeat of it comes by UDP: {heard}.",
        "Let UDP of the gateway's port through from the host, both ways (hummingbird"
        " firewall-show); nothing is to be restarted on the host.",
    ),
    Finding.AGENT_SILENT: (
        "The way to {hostname} and back is good, but no heartbeat of it comes: {heard}.",
        "See its pods (kubectl get pods -A --field-selector spec.nodeName={hostname}) and"
        " that UDP of the gateway's port is let through.",
    ),
    Finding.UNFINISHED: (
        "The look at the way to {hostname} did not come to an end in {seconds} s.",
        "Ask again: hummingbird host-trace {hostname}. If that does not end either,"
        " something at the host holds whoever speaks to it: hummingbird host-reset"
        " {hostname}, and see the conductor's log.",
    ),
}
"""Finding -> (sentence, repair), to be filled with the facts of a trace."""
