#!/bin/sh
# Hummingbird: brings the host @HOSTNAME@ to its controller.
#
# Run it once on that host, as root:   sudo sh THIS-FILE
#
# It makes the host's own key, keeps a tunnel to the controller up, and lets the controller
# in by SSH as one user. It carries a claim that is good for this host alone and once, until
# @UNTIL@: who has it before then can stand in this host's place, so delete it afterwards.
# Undo:   sudo sh /var/lib/hummingbird-tunnel/tunnel remove

set -eu
umask 077
HERE=/var/lib/hummingbird-tunnel
CLAIM_KEY='@CLAIM_KEY@'
@VARIABLES@

fail() { echo "hummingbird: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is missing; install the package $2"; }

program() {
cat <<'HUMMINGBIRD_PROGRAM'
@PROGRAM@
HUMMINGBIRD_PROGRAM
}

settings() {
cat <<'HUMMINGBIRD_SETTINGS'
@SETTINGS@
HUMMINGBIRD_SETTINGS
}

unit() {
cat <<'HUMMINGBIRD_UNIT'
@UNIT@
HUMMINGBIRD_UNIT
}

# wg and wireguard-go for hosts that can't install them: a packed archive, or nothing.
bundle() {
cat <<'HUMMINGBIRD_BUNDLE'
@BUNDLE@
HUMMINGBIRD_BUNDLE
}

# Let SSH_USER in with the controller's key; remember what that changed.
authorize() {
    [ -n "$SSH_KEY" ] || return 0
    home=$(getent passwd "$SSH_USER" | cut -d: -f6)
    file=$home/.ssh/authorized_keys
    if [ -f "$file" ] && grep -qF "$SSH_KEY" "$file"; then return 0; fi
    line="$SSH_KEY hummingbird"
    made=kept
    [ -f "$file" ] || made=file
    [ -d "$home/.ssh" ] || made=folder
    printf '%s\n' "$file" "$made" "$line" >"$HERE/authorized"
    [ "$made" != folder ] || mkdir -m 700 "$home/.ssh"
    # A last line without its end would swallow ours.
    if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
    printf '%s\n' "$line" >>"$file"
    if [ "$made" != kept ]; then
        chown -R "$SSH_USER:" "$home/.ssh"
        chmod 600 "$file"
    fi
}

[ "$(id -u)" = 0 ] || fail "this changes the network: run it as root (sudo sh $0)"
[ -n "$CLAIM_KEY" ] || fail "there is no claim in this script; print it anew: hummingbird host-bootstrap $HOSTNAME_WANTED"
need ip iproute2
need systemctl systemd
[ -x /usr/sbin/sshd ] || need sshd openssh-server
id "$SSH_USER" >/dev/null 2>&1 || fail "the controller comes in as user $SSH_USER, whom this host does not have; add that user, or give the controller another: hummingbird credential-add"

fresh=yes
[ ! -d "$HERE" ] || fresh=no
mkdir -p -m 700 "$HERE/bin"
if [ -n "$(bundle | tr -d '\n')" ]; then bundle | base64 -d | tar -xzf - -C "$HERE/bin"; fi
program >"$HERE/tunnel"
settings >"$HERE/settings"
missing=$(sh "$HERE/tunnel" lacks)
if [ -n "$missing" ]; then
    [ "$fresh" = no ] || rm -rf "$HERE"
    fail "missing here: $missing. Install it (apt-get install $missing | dnf install $missing | zypper install $missing), or print the script with what it needs inside: hummingbird host-bootstrap $HOSTNAME_WANTED --bundle FOLDER"
fi
printf '%s\n' "$CLAIM_KEY" >"$HERE/key"
[ -s "$HERE/key.next" ] || sh "$HERE/tunnel" offer >/dev/null
authorize
rm -f "$HERE/switch" "$HERE/switch.failed"
unit >/etc/systemd/system/hummingbird-tunnel.service
chmod 644 /etc/systemd/system/hummingbird-tunnel.service
systemctl daemon-reload
systemctl enable --quiet hummingbird-tunnel.service
systemctl restart hummingbird-tunnel.service
echo "Waiting for the controller at $HUB_ENDPOINT_SHOWN (UDP)..."
if sh "$HERE/tunnel" answered 30; then
    echo "Connected. The controller takes over from here; nothing more is to be done."
    echo "Undo: sudo sh $HERE/tunnel remove"
else
    echo "No answer yet. It goes on trying, also after a reboot. Look whether:" >&2
    echo "  - this network lets UDP out to $HUB_ENDPOINT_SHOWN;" >&2
    echo "  - the claim is still good (until @UNTIL@, and for one host only);" >&2
    echo "  - the controller's hub is up: hummingbird tunnel-show $HOSTNAME_WANTED" >&2
    exit 1
fi
