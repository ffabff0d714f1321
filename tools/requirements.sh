#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Says what `make demo`, `make test` and their like need, and installs the Debian packages that are
# missing.  Installs nothing that is there, starts nothing, changes no configuration.
#   tools/requirements.sh TARGET
set -eu

purpose=${1:?the target of make}
test "$(id -u)" = 0 || say_root="
You are not root, so this can't go on. Ways to get there:
  sudo make $purpose
  or a container or virtual machine in which you are root (a container must be privileged)
Without root this works: make up, the control plane alone against your own kubeconfig;
and make venv && .venv/bin/pytest tests/unit."

echo "make $purpose needs Linux (Debian 12 or its like) and root, for the namespaces of a \
lab of real hosts; it installs Debian packages, a Python environment in .venv, and builds \
Kubernetes once into ~/.cache/hummingbird (about 10 min the first time, 5 GB of disk)."
if [ "$(uname -s)" != Linux ]; then
    echo "This is $(uname -s); a virtual machine with Debian 12 will do." >&2
    exit 1
fi
if [ -n "${say_root:-}" ]; then
    echo "$say_root" >&2
    exit 1
fi

missing=
need() { # PROGRAM PACKAGE: the package, unless the program is there
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing="$missing $2"
}
need git git
need "${PYTHON:-python3}" python3
"${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
fi
# The controller's hub, where the kernel has no WireGuard; also lent to a host behind NAT.
need wireguard-go wireguard-go
need wg wireguard-tools
if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
    need rabbitmq-server rabbitmq-server
    need sshd openssh-server
    need ipmitool ipmitool
    need ipmi_sim openipmi
    need strace strace
fi

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "Please install$missing: this machine has no apt-get." >&2
        exit 1
    fi
    echo "Installing$missing"
    # Debian starts a service when its package is installed, unless this program says no.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt-get -qq update
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing \
        >/dev/null
fi
