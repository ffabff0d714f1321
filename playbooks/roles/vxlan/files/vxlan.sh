#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keeps this host's end of a VXLAN to its Hummingbird controller as "settings" says.
#
# "run" is the service: it looks every few seconds, for addresses and routes below come and
# go (DHCP, a cable, a tunnel that is made after it). Needs a POSIX shell, ip and bridge
# (both iproute2). "remove" takes back all that it and its installation did.
#
# What leaves from the underlay address goes by the underlay's own routes (a table of ours,
# number 4789), for the controller's end may have an address of the very subnet that the
# VXLAN carries. That holds for the check of the reverse path (rp_filter) too.

set -u
HERE=/var/lib/hummingbird-vxlan
UNIT=hummingbird-vxlan.service
NAME=hb-vxlan
BRIDGE=hb-bridge
TABLE=4789
EVERYBODY=00:00:00:00:00:00
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
TICK=5       # seconds between two looks
SEARCH=86400 # seconds between two searches for the largest packet that fits
CHECK=3600   # seconds between two looks whether what was found still fits
ECHO=2       # seconds for a packet to come back; satellites take one
FIND_MTU=    # whether to search; PEER answers inside. Both are settings
PEER=

say() { echo "hummingbird-vxlan: $*" >&2; }

# The interface that has the underlay address.
below() {
    ip -o address show to "$LOCAL" 2>/dev/null | while read -r _ device _; do
        echo "$device"
        break
    done
}

mtu_of() { cat "/sys/class/net/$1/mtu"; }

smaller() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }

# --- routes below -----------------------------------------------------------------------

family() { case $LOCAL in *:*) echo -6 ;; *) echo -4 ;; esac; }

# The underlay's routes, as its interface has them, in a table that has nothing else.
underlay_routes() {
    ip "$(family)" route show dev "$1" table main | sed 's/ *$//; s/ proto [a-z]*//' | sort
}

ensure_underlay() {
    rule=$(ip "$(family)" rule show pref $TABLE)
    case $rule in
    *"from $LOCAL lookup $TABLE"*) ;;
    *)
        [ -z "$rule" ] || ip "$(family)" rule del pref $TABLE
        ip "$(family)" rule add pref $TABLE from "$LOCAL" lookup $TABLE || return 1
        ;;
    esac
    wanted=$(underlay_routes "$1")
    [ "$wanted" = "$(cat "$HERE/routes" 2>/dev/null)" ] && [ -n "$(table)" ] && return 0
    ip "$(family)" route flush table $TABLE 2>/dev/null
    # Those on the link first: the others' next hops are found by them.
    for pass in link via; do
        echo "$wanted" | while read -r route; do
            case $route in
            '') continue ;;
            *via*) [ $pass = via ] || continue ;;
            *) [ $pass = link ] || continue ;;
            esac
            # shellcheck disable=SC2086 # a route is words
            ip "$(family)" route replace $route dev "$1" table $TABLE || return 1
        done || return 1
    done
    echo "$wanted" >"$HERE/routes"
}

table() { ip "$(family)" route show table $TABLE 2>/dev/null; }

# --- the device -------------------------------------------------------------------------

is_ours() {
    seen=$(ip -d link show dev "$NAME" 2>/dev/null) || return 1
    case $seen in
    *"vxlan id $VNI "*"local $LOCAL "*"dstport $PORT "*) return 0 ;;
    esac
    return 1
}

make_with() {
    ip link add "$NAME" address "$MAC" type vxlan id "$VNI" dstport "$PORT" local "$LOCAL" "$@"
}

make_device() {
    is_ours && return 0
    ip link del dev "$NAME" 2>/dev/null
    learning=nolearning
    # With several controllers the answer says which of them has the address.
    case $REMOTES in *' '*) learning=learning ;; esac
    # What must not be cut inside is not cut outside, so that one can find out what fits. Of
    # the LAN's larger packets (below) it is better to have them cut.
    [ -n "$LAN" ] || make_with $learning df inherit 2>/dev/null || make_with $learning
    [ -z "$LAN" ] || make_with $learning
}

ensure_ends() {
    there=$(bridge fdb show dev "$NAME" 2>/dev/null | grep "^$EVERYBODY ")
    for remote in $REMOTES; do
        case $there in *"dst $remote "*) continue ;; esac
        bridge fdb append $EVERYBODY dev "$NAME" dst "$remote" self permanent || return 1
    done
    echo "$there" | while read -r _ _ end _; do
        [ -z "$end" ] && continue
        case " $REMOTES " in *" $end "*) continue ;; esac
        bridge fdb del $EVERYBODY dev "$NAME" dst "$end" self
    done
}

# Hosts on the LAN may have Ethernet's MTU and send packets that don't fit: our device takes
# them, and they are cut below or their sender is told, where the bridge would let them
# vanish. What this host itself sends fits.
ensure_bridge() {
    [ -e "/sys/class/net/$LAN" ] || { say "there is no interface $LAN"; return 1; }
    if [ ! -e "/sys/class/net/$LAN/brport" ] &&
        [ -n "$(ip -o address show dev "$LAN" scope global)" ]; then
        say "$LAN has addresses: a gateway's LAN interface has none, its bridge has"
        return 1
    fi
    case $(ip link show dev "$LAN") in
    *,UP*) ;;
    *) echo "$LAN" >"$HERE/lan-was-down" ;;
    esac
    [ -e "/sys/class/net/$BRIDGE" ] || ip link add "$BRIDGE" address "$MAC" type bridge || return 1
    ip link set dev "$NAME" mtu "$(mtu_of "$LAN")" master "$BRIDGE" up &&
        ip link set dev "$LAN" master "$BRIDGE" up &&
        ip link set dev "$BRIDGE" mtu "$1" up
}

ensure() {
    device=$(below)
    [ -n "$device" ] || { say "no interface has the address $LOCAL"; return 1; }
    overhead=50
    case $LOCAL in *:*) overhead=70 ;; esac
    most=$(smaller "$MTU" $(($(mtu_of "$device") - overhead)))
    mtu=$(mtu)
    ensure_underlay "$device" && make_device && ensure_ends || return 1
    top=$NAME
    if [ -n "$LAN" ]; then
        top=$BRIDGE
        ensure_bridge "$mtu" || return 1
    else
        ip link set dev "$NAME" mtu "$mtu" up || return 1
    fi
    ip address replace "$ADDRESS" dev "$top"
}

# --- what fits: RFC 8899, inside the VXLAN, so that it needs no ICMP on the way -----------

# What was found; before that what nearly every path carries (BASE_PLPMTU); where nobody
# searches, what the settings and the link below say.
mtu() {
    if [ -z "$FIND_MTU" ]; then
        echo "$most"
    elif [ -s "$HERE/mtu" ] && read -r found limit <"$HERE/mtu" && [ "$limit" = "$most" ]; then
        echo "$found"
    else
        smaller 1280 "$most"
    fi
}

# Whether a packet of $1 bytes gets there and back uncut. Three tries: a path that loses some
# is not a narrow one.
passes() {
    headers=28
    case $PEER in *:*) headers=48 ;; esac
    ip link set dev "$top" mtu "$1"
    for _ in 1 2 3; do
        ping -q -M do -c 1 -W "$ECHO" -s $(($1 - headers)) "$PEER" >/dev/null 2>&1 && return 0
    done
    return 1
}

search() {
    low=
    if passes "$most"; then low=$most; fi
    for size in 1280 576; do
        case "$size $ADDRESS" in 576*:*) continue ;; esac # IPv6 needs more
        [ -z "$low" ] && [ "$size" -lt "$most" ] && passes "$size" && low=$size
    done
    # The path is away, or the controller answers nobody: that tells nothing.
    [ -n "$low" ] || { [ -s "$HERE/mtu" ] || low=$most; }
    [ -n "$low" ] || return
    # Upwards: what passes is known at once, what does not after three times $ECHO.
    for step in 64 8; do
        while [ $((low + step)) -le "$most" ] && passes $((low + step)); do
            low=$((low + step))
        done
    done
    [ "$(mtu)" = "$low" ] || say "packets of $low bytes fit"
    echo "$low $most" >"$HERE/mtu.new" && mv "$HERE/mtu.new" "$HERE/mtu"
}

# When it is up, has another link below, or is a day older; in between, whether what was
# found still fits.
mind_mtu() {
    [ -n "$FIND_MTU" ] && [ -n "$PEER" ] && command -v ping >/dev/null || return 0
    if [ "$searched" -lt "$SEARCH" ] && [ "$most" = "$searched_for" ]; then
        [ "$checked" -ge "$CHECK" ] || return 0
        checked=0
        passes "$(mtu)" && return 0
    fi
    search
    ip link set dev "$top" mtu "$(mtu)"
    searched_for=$most
    searched=0
    checked=0
}

run() {
    failed=
    searched=0
    searched_for=
    checked=0
    while :; do
        if ensure; then
            [ -z "$failed" ] || say "it is up"
            failed=
            mind_mtu
            searched=$((searched + TICK))
            checked=$((checked + TICK))
        else
            failed=yes
        fi
        sleep "$TICK" &
        wait $!
    done
}

# --- what others ask --------------------------------------------------------------------

down() {
    [ -e "/sys/class/net/$BRIDGE" ] && ip link del dev "$BRIDGE"
    ip link del dev "$NAME" 2>/dev/null
    for version in -4 -6; do
        ip $version rule del pref $TABLE 2>/dev/null
        ip $version route flush table $TABLE 2>/dev/null
    done
    [ ! -s "$HERE/lan-was-down" ] || ip link set dev "$(cat "$HERE/lan-was-down")" down
    rm -f "$HERE/routes" "$HERE/lan-was-down"
}

wait_until_up() {
    tries=${1:-20}
    top=$NAME
    [ -z "$LAN" ] || top=$BRIDGE
    while [ "$tries" -gt 0 ]; do
        [ -n "$(ip -o address show dev "$top" to "${ADDRESS%/*}" 2>/dev/null)" ] && return 0
        tries=$((tries - 1))
        sleep 1
    done
    journalctl --unit "$UNIT" --lines 5 --output cat --no-pager 2>/dev/null |
        grep hummingbird-vxlan: >&2
    return 1
}

remove() {
    systemctl disable --now "$UNIT" 2>/dev/null
    down
    rm -f "/etc/systemd/system/$UNIT"
    systemctl daemon-reload
    systemctl reset-failed "$UNIT" 2>/dev/null
    rm -rf "$HERE"
}

[ -r "$HERE/settings" ] || { say "there is no VXLAN on this host"; exit 1; }
# shellcheck source=/dev/null
. "$HERE/settings"
case ${1:-} in
run) run ;;
down) down ;;
up) shift; wait_until_up "$@" ;;
remove) remove ;;
*) echo "usage: $0 run | up [SECONDS] | down | remove" >&2; exit 2 ;;
esac
