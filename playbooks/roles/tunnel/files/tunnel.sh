#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keeps this host's tunnel to its Hummingbird controller up, and changes its key.
#
# "run" is the service: it alone touches the interface, every few seconds and when it is
# told to. The others ask it. Needs a POSIX shell, ip (iproute2) and wg (wireguard-tools);
# where the kernel has no WireGuard, also wireguard-go.
#
# In its folder: settings (what the controller said), key (in use), key.next (its
# successor, made here; neither ever leaves), switch (a change of key is wanted or was
# cut), authorized (the line that the bootstrap script added for SSH, and where).

set -u
umask 077
HERE=/var/lib/hummingbird-tunnel
NAME=hb-tunnel
UNIT=hummingbird-tunnel.service
TABLE=51820     # of routes
PATH=$HERE/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
TICK=10         # seconds between two looks
GLANCE=2        # seconds between two looks at our own address
STALE=150       # after 120 s WireGuard shakes hands anew, after 180 s a session is dead
PATIENCE=15     # seconds for a new key to be answered

say() { echo "hummingbird-tunnel: $*" >&2; }

# --- what is so -------------------------------------------------------------------------

# Without wg nothing more can be told: while a host is retired it goes before the tunnel.
is_up() {
    ip link show dev "$NAME" >/dev/null 2>&1 || return 1
    # Not by "command -v": a shell remembers where a program was.
    wg show "$NAME" >/dev/null 2>&1
    case $? in 0 | 126 | 127) return 0 ;; esac
    return 1
}

# The packages that are missing here, if any.
lacks() {
    missing=
    command -v wg >/dev/null || missing=wireguard-tools
    if ! is_up; then
        if ip link add dev hb-probe type wireguard 2>/dev/null; then
            ip link del dev hb-probe
        elif ! command -v wireguard-go >/dev/null; then
            missing="$missing wireguard-go"
        fi
    fi
    echo $missing
}

# The last handshake, in seconds since 1970; 0: never.
handshake() {
    set -- $(wg show "$NAME" latest-handshakes 2>/dev/null)
    echo "${2:-0}"
}

is_fresh() {
    last=$(handshake)
    [ "$last" -gt 0 ] && [ $(($(date +%s) - last)) -le "$STALE" ]
}

# --- the interface: only "run" calls these ----------------------------------------------

make_link() {
    is_up && return 0
    ip link del dev "$NAME" 2>/dev/null
    ip link add dev "$NAME" type wireguard 2>/dev/null && return 0
    if command -v wireguard-go >/dev/null; then
        [ -c /dev/net/tun ] || modprobe tun 2>/dev/null
        wireguard-go "$NAME" >/dev/null 2>&1 </dev/null && is_up && return 0
    fi
    say "no WireGuard: the kernel has none, and wireguard-go is missing or did not start"
    return 1
}

# Names are looked up each time, so that a controller may move.
peer() {
    allowed=$(echo "$NETWORKS" | tr ' ' ,)
    wg set "$NAME" "$@" peer "$HUB_KEY" endpoint "$HUB_ENDPOINT" \
        allowed-ips "$allowed" persistent-keepalive "$KEEPALIVE"
}

# Shake hands now, not with the next packet: a keepalive that is switched on sends one.
knock() {
    wg set "$NAME" peer "$HUB_KEY" persistent-keepalive 0
    wg set "$NAME" peer "$HUB_KEY" persistent-keepalive 1
    wg set "$NAME" peer "$HUB_KEY" persistent-keepalive "$KEEPALIVE"
}

use() { wg set "$NAME" private-key "$HERE/$1"; }

address() {
    prefix=32
    case $ADDRESS in *:*) prefix=128 ;; esac
    ip link set dev "$NAME" mtu "$MTU" up || return 1
    ip address replace "$ADDRESS/$prefix" dev "$NAME" || return 1
    for network in $NETWORKS; do
        ip route replace "$network" dev "$NAME" src "$ADDRESS" table "$TABLE" || return 1
    done
    # What is sent from the host's own address goes the way that it came: so the tunnel
    # cuts off nobody who comes in beside it, and can be mended from outside.
    case $NETWORKS in *.*) rules -4 0.0.0.0/32 ;; esac
    case $NETWORKS in *:*) rules -6 ::/128 ;; esac
}

# A rule that is there already is refused, and that is as well.
rules() {
    { ip "$1" rule add pref 5182 from "$ADDRESS" lookup "$TABLE" # ours, inside
    ip "$1" rule add pref 5183 from "$2" iif lo lookup "$TABLE"  # no source chosen yet
    ip "$1" rule add pref 5184 not iif lo lookup "$TABLE"        # pods
    } 2>/dev/null || :
}

take_down() {
    ip link del dev "$NAME" 2>/dev/null
    for family in -4 -6; do
        for pref in 5182 5183 5184; do
            while ip "$family" rule del pref "$pref" 2>/dev/null; do :; done
        done
    done
}

ensure() {
    if ! is_up; then
        make_link && peer private-key "$HERE/key" && address && knock
        return
    fi
    # A route that somebody took away, an address of the controller that changed.
    address
    is_fresh || peer
}

# Make before break: the hub knows both keys before this is asked for. What we send waits
# in the interface until the hub has answered the new key; without an answer the old one
# comes back.
renew() {
    rm -f "$HERE/switch.failed"
    [ -s "$HERE/key.next" ] || { rm -f "$HERE/switch"; return 0; }
    before=$(handshake)
    # The time of a handshake has whole seconds: the new one must be told from the last.
    while [ "$(date +%s)" -le "$before" ]; do sleep 1; done
    use key.next && knock
    tries=$((PATIENCE * 5))
    while [ "$tries" -gt 0 ]; do
        if [ "$(handshake)" -gt "$before" ]; then
            mv "$HERE/key.next" "$HERE/key"
            rm -f "$HERE/switch"
            say "the new key is in use"
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.2 2>/dev/null || sleep 1
    done
    use key && knock
    tries=$((PATIENCE * 5))
    while [ "$tries" -gt 0 ] && [ "$(handshake)" -le "$before" ]; do
        tries=$((tries - 1))
        sleep 0.2 2>/dev/null || sleep 1
    done
    if [ "$(handshake)" -gt "$before" ]; then
        rm -f "$HERE/switch"
        : >"$HERE/switch.failed"
        say "the new key was not answered: the old one stays"
    else
        # Neither was: the network is away. Both are tried again, for the hub may have
        # heard the new one before this host lost its power.
        say "neither key was answered; trying again"
    fi
}

# Whether packets to the hub leave from another address than the last time: another DHCP
# lease, another modem. A wireguard-go goes on with the former one for 15 s if not told.
moved() {
    set -- $(wg show "$NAME" endpoints 2>/dev/null)
    hub=${2:-}
    hub=${hub%:*}
    hub=${hub#[}
    set -- $(ip route get "${hub%]}" 2>/dev/null)
    while [ $# -gt 1 ] && [ "$1" != src ]; do shift; done
    [ $# -gt 1 ] && [ "$2" != "$left_from" ] || return 1
    left_from=$2
}

run() {
    echo $$ >"$HERE/pid"
    trap 'take_down; rm -f "$HERE/pid"; exit 0' TERM INT
    trap ':' USR1
    # Other settings, another program: the tunnel stays up, with its session.
    trap 'exec /bin/sh "$HERE/tunnel" run' HUP
    is_up && peer private-key "$HERE/key"
    left_from=
    since=$TICK
    while :; do
        # The cheap look each time, the whole one now and then.
        if [ "$since" -ge "$TICK" ]; then
            ensure
            since=0
        fi
        if moved; then peer; fi
        [ -e "$HERE/switch" ] && renew
        sleep "$GLANCE" &
        wait $!
        since=$((since + GLANCE))
    done
}

# --- what others ask --------------------------------------------------------------------

# The public half of the next key, made if there is none.
offer() {
    if [ ! -s "$HERE/key.next" ]; then
        wg genkey >"$HERE/key.next.new" && mv "$HERE/key.next.new" "$HERE/key.next"
    fi
    wg pubkey <"$HERE/key.next"
}

current() {
    [ -s "$HERE/key" ] || { wg genkey >"$HERE/key.new" && mv "$HERE/key.new" "$HERE/key"; }
    wg pubkey <"$HERE/key"
}

change() {
    : >"$HERE/switch"
    kill -USR1 "$(cat "$HERE/pid")"
}

wait_for_answer() {
    tries=${1:-30}
    while [ "$tries" -gt 0 ]; do
        is_fresh && return 0
        tries=$((tries - 1))
        sleep 1
    done
    return 1
}

remove() {
    systemctl disable --now "$UNIT" 2>/dev/null
    take_down
    rm -f "/etc/systemd/system/$UNIT"
    systemctl daemon-reload
    systemctl reset-failed "$UNIT" 2>/dev/null
    unauthorize
    rm -rf "$HERE"
}

# Take back the one line that the bootstrap script added.
unauthorize() {
    [ -s "$HERE/authorized" ] || return 0
    { read -r file; read -r made; read -r line; } <"$HERE/authorized"
    [ -f "$file" ] || return 0
    grep -vxF "$line" "$file" >"$HERE/authorized.rest"
    if [ -s "$HERE/authorized.rest" ] || [ "$made" = kept ]; then
        cat "$HERE/authorized.rest" >"$file"
    else
        rm -f "$file"
        [ "$made" = folder ] && rmdir "${file%/*}" 2>/dev/null
    fi
}

[ -r "$HERE/settings" ] || { say "there is no tunnel on this host"; exit 1; }
. "$HERE/settings"
case ${1:-} in
run) run ;;
lacks) lacks ;;
offer) offer ;;
public) current ;;
switch) change ;;
answered) shift; wait_for_answer "$@" ;;
remove) remove ;;
*) echo "usage: $0 run | lacks | offer | public | switch | answered [SECONDS] | remove" >&2; exit 2 ;;
esac
