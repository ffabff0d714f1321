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
# cut), authorized (the line that the bootstrap script added for SSH, and where), mtu (what
# was found to fit, and when no more was looked for).

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
LIMIT=15        # seconds for WireGuard's program to answer; after that it hangs
DESPAIR=900     # seconds without an answer after which the interface is made anew
SEARCH=86400    # seconds between two searches for the largest packet that fits
CHECK=3600      # seconds between two looks whether what was found still fits
ECHO=2          # seconds for a packet to come back; satellites take one
FIND_MTU=       # whether to search; HUB_ADDRESS answers inside. Both are settings
HUB_ADDRESS=

say() { echo "hummingbird-tunnel: $*" >&2; }

# --- what is so -------------------------------------------------------------------------

# A wireguard-go may hang, and with it whoever asks it: nobody waits longer than LIMIT.
ask() {
    if command -v timeout >/dev/null; then timeout -s KILL "$LIMIT" wg "$@"; else wg "$@"; fi
}

# 0: the interface is there. 1: it is not. 2: what serves it hangs. 3: without wg nothing
# can be told: while a host is retired it goes before the tunnel.
look() {
    ip link show dev "$NAME" >/dev/null 2>&1 || return 1
    # Not by "command -v": a shell remembers where a program was.
    ask show "$NAME" >/dev/null 2>&1
    case $? in
    0) return 0 ;;
    126 | 127) return 3 ;;
    137) return 2 ;;
    esac
    return 1
}

is_up() {
    look
    case $? in 0 | 3) return 0 ;; esac
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
    set -- $(ask show "$NAME" latest-handshakes 2>/dev/null)
    echo "${2:-0}"
}

is_fresh() {
    last=$(handshake)
    [ "$last" -gt 0 ] && [ $(($(date +%s) - last)) -le "$STALE" ]
}

# --- the interface: only "run" calls these ----------------------------------------------

make_link() {
    end_program
    ip link del dev "$NAME" 2>/dev/null
    ip link add dev "$NAME" type wireguard 2>/dev/null && return 0
    if command -v wireguard-go >/dev/null; then
        [ -c /dev/net/tun ] || modprobe tun 2>/dev/null
        # The socket of one that is just ending is in the way for a moment.
        for _ in 1 2 3 4 5; do
            wireguard-go "$NAME" >/dev/null 2>&1 </dev/null && look && return 0
            sleep 0.5 2>/dev/null || sleep 1
        done
    fi
    say "no WireGuard: the kernel has none, and wireguard-go is missing or did not start"
    return 1
}

# End the wireguard-go of our interface, also one that hangs and hears no signal. Others
# have the same name in networks of their own (containers).
end_program() {
    for process in /proc/[0-9]*; do
        case $({ tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null) in
        "wireguard-go "*"$NAME " | */"wireguard-go "*"$NAME ") ;;
        *) continue ;;
        esac
        [ "$(readlink "$process/ns/net")" = "$(readlink /proc/self/ns/net)" ] || continue
        kill -KILL "${process#/proc/}" 2>/dev/null && rm -f "/var/run/wireguard/$NAME.sock"
    done
}

# All that the interface has to know. Names are looked up each time, so that a controller
# may move; where that fails or takes too long, the next look tries again.
peer() {
    allowed=$(echo "$NETWORKS" | tr ' ' ,)
    ask set "$NAME" private-key "$HERE/key" peer "$HUB_KEY" endpoint "$HUB_ENDPOINT" \
        allowed-ips "$allowed" persistent-keepalive "$KEEPALIVE"
}

# Shake hands now, not with the next packet: a keepalive that is switched on sends one.
knock() {
    ask set "$NAME" peer "$HUB_KEY" persistent-keepalive 0 &&
        ask set "$NAME" peer "$HUB_KEY" persistent-keepalive 1 &&
        ask set "$NAME" peer "$HUB_KEY" persistent-keepalive "$KEEPALIVE"
}

use() { ask set "$NAME" private-key "$HERE/$1"; }

address() {
    prefix=32
    case $ADDRESS in *:*) prefix=128 ;; esac
    ip link set dev "$NAME" mtu "$(mtu)" up || return 1
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
    end_program
    ip link del dev "$NAME" 2>/dev/null
    for family in -4 -6; do
        for pref in 5182 5183 5184; do
            while ip "$family" rule del pref "$pref" 2>/dev/null; do :; done
        done
    done
}

# What heals by itself nobody has to drive out for: a program that hangs is started again,
# and where nothing was answered for long all is made anew, which also takes another port,
# for a NAT on the way may hold on to a dead one.
ensure() {
    look
    case $? in
    0)
        # A route that somebody took away, an address of the controller that changed.
        address
        is_fresh && unheard=0 && return 0
        peer
        unheard=$((unheard + TICK))
        [ "$unheard" -ge "$DESPAIR" ] || { [ "$unheard" -lt $((DESPAIR / 2)) ] || knock; return 0; }
        say "nothing was answered for $unheard s: the interface is made anew"
        unheard=0
        ;;
    2) say "wireguard-go does not answer: it is started again" ;;
    3) address; return ;;
    esac
    make_link && peer && address && knock
}

# Whether there is a handshake under the key $1, not $2, after that at $3, waited for by the
# clock: each look at a busy host takes its time. What of it is lost on the way WireGuard
# sends again after 5 s, and nothing is heard of this host so long; another key and back
# begins anew: after 2, 4 and 8 s more, for a way that takes longer.
agreed() {
    began=$(date +%s)
    again=0
    step=2
    while :; do
        spent=$(($(date +%s) - began))
        [ "$spent" -ge 0 ] && [ "$spent" -lt "$PATIENCE" ] || return 1
        if [ "$spent" -ge "$again" ]; then
            use "$2" && use "$1" && knock
            again=$((spent + step))
            step=$((step * 2))
        fi
        [ "$(handshake)" -gt "$3" ] && return 0
        sleep 0.2 2>/dev/null || sleep 1
    done
}

# --- what fits: RFC 8899, inside the tunnel, so that it needs no ICMP on the way ---------

smallest() { case "$ADDRESS $NETWORKS" in *:*) echo 1280 ;; *) echo 576 ;; esac; }

# What nearly every path carries (BASE_PLPMTU).
base() { if [ "$(smallest)" -gt 1200 ]; then smallest; else echo 1200; fi; }

# What the interface has: what was found, before that the base; where nobody searches, what
# the settings say.
mtu() {
    [ -n "$FIND_MTU" ] || { echo "$MTU"; return; }
    if [ -s "$HERE/mtu" ] && read -r found limit <"$HERE/mtu" && [ "$limit" = "$MTU" ]; then
        echo "$found"
    else
        base
    fi
}

# The hub's address, as WireGuard has it now, and the route there.
way() {
    set -- $(ask show "$NAME" endpoints 2>/dev/null)
    hub=${2:-}
    hub=${hub%:*}
    hub=${hub#[}
    [ -n "$hub" ] && ip route get "${hub%]}" 2>/dev/null
}

# The word after $1 in what follows.
word() {
    key=$1
    shift
    while [ $# -gt 1 ] && [ "$1" != "$key" ]; do shift; done
    [ $# -gt 1 ] && echo "$2"
}

# The most that is worth a try: as the settings, the link below and the route say, the
# latter by what the kernel was told by routers. WireGuard puts 32 bytes round each packet,
# and UDP over IPv4 28, over IPv6 48.
widest() {
    route=$(way)
    most=$MTU
    overhead=60
    case $route in *:*) overhead=80 ;; esac
    for size in "$(cat "/sys/class/net/$(word dev $route)/mtu" 2>/dev/null)" "$(word mtu $route)"; do
        case $size in '' | *[!0-9]*) continue ;; esac
        [ $((size - overhead)) -ge "$most" ] || most=$((size - overhead))
    done
    least=$(smallest)
    [ "$most" -ge "$least" ] || most=$least
    echo "$most"
}

# Whether a packet of $1 bytes fits.
passes() {
    ip link set dev "$NAME" mtu "$1"
    returns "$1"
}

# Whether a packet of $1 bytes gets there and back. Three tries: a path that loses some is
# not a narrow one. A change of key goes first.
returns() {
    headers=28
    case $HUB_ADDRESS in *:*) headers=48 ;; esac
    for _ in 1 2 3; do
        [ ! -e "$HERE/switch" ] || return 1
        ping -q -c 1 -W "$ECHO" -s $(($1 - headers)) -I "$ADDRESS" "$HUB_ADDRESS" >/dev/null 2>&1 &&
            return 0
    done
    return 1
}

keep() { echo "$1 $MTU" >"$HERE/mtu.new" && mv "$HERE/mtu.new" "$HERE/mtu"; }

# Returns 1 where it was interrupted and is to be done again.
search() {
    if ! command -v ping >/dev/null; then
        say "without ping nobody can tell whether $MTU bytes fit"
        keep "$MTU"
        return
    fi
    low=
    high=$MTU
    while :; do
        if passes "$high"; then low=$high; fi
        [ ! -e "$HERE/switch" ] || return 1
        # A router may just have said what fits; then it came in pieces.
        heard=$(widest)
        [ "$heard" -lt "$high" ] || break
        low=
        high=$heard
    done
    for size in $(base) $(smallest); do
        [ -z "$low" ] && [ "$size" -lt "$high" ] && passes "$size" && low=$size
        [ ! -e "$HERE/switch" ] || return 1
    done
    if [ -z "$low" ] && returns 100; then
        low=$(smallest)
        high=$low
    elif [ -z "$low" ]; then
        [ ! -e "$HERE/switch" ] || return 1
        # The path is away, or the controller answers nobody: that tells nothing.
        [ -s "$HERE/mtu" ] || ! is_fresh || keep "$MTU"
        return 0
    fi
    # Upwards: what passes is known at once, what does not after three times $ECHO.
    for step in 64 8; do
        while [ $((low + step)) -le "$high" ] && passes $((low + step)); do
            low=$((low + step))
        done
        [ ! -e "$HERE/switch" ] || return 1
    done
    [ "$(mtu)" = "$low" ] || say "packets of $low bytes fit"
    keep "$low"
}

# When it is up, has moved, or is a day older; in between, whether what was found still
# fits: a path may get narrower where this host can't see it.
mind_mtu() {
    [ -n "$FIND_MTU" ] && [ -n "$HUB_ADDRESS" ] && [ ! -e "$HERE/switch" ] && is_fresh || return 0
    if [ "$searched" -lt "$SEARCH" ]; then
        [ "$checked" -ge "$CHECK" ] || return 0
        if passes "$(mtu)" || [ -e "$HERE/switch" ]; then
            checked=0
            return 0
        fi
    fi
    if search; then
        searched=0
        checked=0
    fi
    ip link set dev "$NAME" mtu "$(mtu)"
}

# --- its keys -----------------------------------------------------------------------------

# Make before break: the hub knows both keys before this is asked for. What we send waits
# in the interface until the hub has answered the new key; without an answer the old one
# comes back.
renew() {
    rm -f "$HERE/switch.failed"
    [ -s "$HERE/key.next" ] || { rm -f "$HERE/switch"; return 0; }
    before=$(handshake)
    # The time of a handshake has whole seconds: the new one must be told from the last.
    # (Not for long, where the clock was set back.)
    tries=3
    while [ "$(date +%s)" -le "$before" ] && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 1
    done
    if agreed key.next key "$before"; then
        mv "$HERE/key.next" "$HERE/key"
        rm -f "$HERE/switch"
        say "the new key is in use"
        return 0
    fi
    if agreed key key.next "$before"; then
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
    from=$(word src $(way))
    [ -n "$from" ] && [ "$from" != "$left_from" ] || return 1
    left_from=$from
    say "packets to the controller leave from $left_from"
}

run() {
    echo $$ >"$HERE/pid"
    trap 'take_down; rm -f "$HERE/pid"; exit 0' TERM INT
    trap ':' USR1
    # Other settings, another program: the tunnel stays up, with its session.
    trap 'exec /bin/sh "$HERE/tunnel" run' HUP
    is_up && peer
    unheard=0
    left_from=
    since=$TICK
    searched=$SEARCH
    checked=0
    while :; do
        # The cheap look each time, the whole one now and then.
        if [ "$since" -ge "$TICK" ]; then
            ensure
            since=0
        fi
        if moved; then
            peer
            searched=$SEARCH
        fi
        mind_mtu
        [ -e "$HERE/switch" ] && renew
        sleep "$GLANCE" &
        wait $!
        since=$((since + GLANCE))
        searched=$((searched + GLANCE))
        checked=$((checked + GLANCE))
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
