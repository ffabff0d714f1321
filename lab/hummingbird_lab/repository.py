# SPDX-License-Identifier: Apache-2.0
"""A signed Debian package repository: all that a host may install, and no more.

Made once: what the packages below need beyond the hosts' root file system, from the
machine's own package sources, and kubelet and kubeadm packed from our binaries as
pkgs.k8s.io packs them.  Its key is made for it and thrown away after the signing; the
public half is `lab.gpg`.  Each lab serves it over HTTP in the controller's network.
"""

import os
import shutil
import tempfile
from pathlib import Path

from hummingbird_lab import binaries, cache, rootfs
from hummingbird_lab.command import run

PACKAGES = (
    "chrony",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "ebtables",
    "ethtool",
    "gnupg",
    "iptables",
    "kmod",
    "nftables",
    "runc",
    "socat",
    "tcpdump",
    "wireguard-go",
    "wireguard-tools",
)
_REVISION = "1.1"
_QUICKLY = ("-Zzstd", "-z1")
_LARGE_BYTES = 2_000_000

_KUBELET_UNIT = """\
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
"""
_KUBEADM_DROP_IN = """\
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=\
--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by kubeadm init and kubeadm join.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# Overrides, as a last resort.
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS \
$KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""
_KUBELET_AFTER_INSTALL = """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    systemctl enable --quiet kubelet || true
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl start kubelet || true
    fi
fi
"""
_KUBELET_BEFORE_REMOVAL = """\
#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ "$1" = remove ]; then
    systemctl stop kubelet || true
fi
"""
_KUBELET_AFTER_REMOVAL = """\
#!/bin/sh
set -e
if [ "$1" = remove ] || [ "$1" = purge ]; then
    rm -f /etc/systemd/system/multi-user.target.wants/kubelet.service
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload || true
    fi
fi
"""


def path() -> Path:
    """Return where the repository is, or will be."""
    inputs: list[cache.Input] = [
        Path(__file__).read_bytes(),
        rootfs.path().name,
        binaries.path().name,
    ]
    return cache.entry("repository", inputs)


def make(*, say: cache.Say) -> Path:
    """Return the repository's folder, made in about 15 s if the cache has none."""
    return cache.make(path(), _build, say=say, what="the package repository")


def _build(folder: Path) -> None:
    pool = folder / "pool"
    (pool / "partial").mkdir(parents=True)
    _download(pool)
    _unpack_faster(pool)
    _pack(pool)
    (pool / "partial").rmdir()
    (pool / "lock").unlink(missing_ok=True)
    index = run(["apt-ftparchive", "packages", "pool"], cwd=folder).stdout
    (folder / "Packages").write_text(index)
    run(["gzip", "-kf", "Packages"], cwd=folder)
    release = run(
        [
            "apt-ftparchive",
            "-o",
            "APT::FTPArchive::Release::Origin=hummingbird-lab",
            "-o",
            "APT::FTPArchive::Release::Suite=lab",
            "release",
            ".",
        ],
        cwd=folder,
    ).stdout
    (folder / "Release").write_text(release)
    _sign(folder)


def _download(pool: Path) -> None:
    """Fetch the packages and what they need that the root file system lacks."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        (state / "lists" / "partial").mkdir(parents=True)
        settings = {
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
            "Dir::Cache": str(state),
            "Dir::Cache::archives": str(pool),
            "Dir::Etc::SourceList": str(rootfs.sources()),
            "Dir::Etc::SourceParts": "-",
            "Dir::State::Lists": str(state / "lists"),
            "Dir::State::status": str(rootfs.path() / "var/lib/dpkg/status"),
        }
        apt = ["apt-get", "-qq", "-y"]
        for name, value in settings.items():
            apt += ["-o", f"{name}={value}"]
        # apt knows a file in deb822 form by its name.
        if rootfs.sources().suffix == ".sources":
            parts = state / "sources"
            parts.mkdir()
            shutil.copy(rootfs.sources(), parts)
            apt += ["-o", "Dir::Etc::SourceList=-"]
            apt += ["-o", f"Dir::Etc::SourceParts={parts}"]
        run([*apt, "update"])
        run([*apt, "install", "--download-only", "--no-install-recommends", *PACKAGES])


def _unpack_faster(pool: Path) -> None:
    """Pack the large ones again, as they are, so that a host unpacks them in no time.

    Debian's are small and take seconds of CPU, and hosts of a lab install them often.
    """
    for package in pool.glob("*.deb"):
        if package.stat().st_size < _LARGE_BYTES:
            continue
        with tempfile.TemporaryDirectory(dir=pool.parent) as folder:
            tree = Path(folder) / "tree"
            run(["dpkg-deb", "--raw-extract", package, tree])
            run(["dpkg-deb", *_QUICKLY, "--build", tree, package])


def _pack(pool: Path) -> None:
    """Make the packages of kubelet and kubeadm."""
    programs = binaries.path()
    kubelet, kubeadm = (programs / name for name in ("kubelet", "kubeadm"))
    with tempfile.TemporaryDirectory(dir=pool.parent) as folder:
        tree = Path(folder) / "kubelet"
        _write(tree / "usr/lib/systemd/system/kubelet.service", _KUBELET_UNIT)
        _write(tree / "etc/default/kubelet", "KUBELET_EXTRA_ARGS=\n")
        _write(tree / "DEBIAN/conffiles", "/etc/default/kubelet\n")
        _write(tree / "DEBIAN/postinst", _KUBELET_AFTER_INSTALL, mode=0o755)
        _write(tree / "DEBIAN/prerm", _KUBELET_BEFORE_REMOVAL, mode=0o755)
        _write(tree / "DEBIAN/postrm", _KUBELET_AFTER_REMOVAL, mode=0o755)
        (tree / "usr/bin").mkdir(parents=True)
        shutil.copy(kubelet.resolve(), tree / "usr/bin/kubelet")
        (tree / "etc/kubernetes/manifests").mkdir(parents=True)
        depends = "iptables, iproute2, mount, util-linux, ethtool"
        _deb(tree, "kubelet", depends=depends, pool=pool)

        tree = Path(folder) / "kubeadm"
        drop_in = "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"
        _write(tree / drop_in, _KUBEADM_DROP_IN)
        (tree / "usr/bin").mkdir(parents=True)
        if kubeadm.resolve() == kubelet.resolve():
            (tree / "usr/bin/kubeadm").symlink_to("kubelet")
        else:
            shutil.copy(kubeadm, tree / "usr/bin/kubeadm")
        depends = f"kubelet (= {binaries.version()}-{_REVISION})"
        _deb(tree, "kubeadm", depends=depends, pool=pool)


def _write(target: Path, text: str, *, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)


def _deb(tree: Path, name: str, *, depends: str, pool: Path) -> None:
    version = f"{binaries.version()}-{_REVISION}"
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
        "Maintainer: Hummingbird lab <lab@lab.invalid>\n"
        f"Section: admin\nPriority: optional\nDepends: {depends}\n"
        f"Description: {name} {binaries.version()}, built for the lab\n"
    )
    _write(tree / "DEBIAN/control", control)
    for folder, _, _ in os.walk(tree):
        Path(folder).chmod(0o755)
    run(
        [
            "dpkg-deb",
            "--root-owner-group",
            *_QUICKLY,
            "--build",
            tree,
            pool / f"{name}_{version}_amd64.deb",
        ]
    )


def _sign(folder: Path) -> None:
    """Sign with a key that is gone afterwards; the repository never changes."""
    with tempfile.TemporaryDirectory() as home:
        env = dict(os.environ) | {"GNUPGHOME": home}
        gpg = ["gpg", "--batch", "--quiet", "--yes"]
        user = "Hummingbird lab <lab@lab.invalid>"
        key = ["--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "never"]
        run([*gpg, *key], env=env)
        run([*gpg, "--clearsign", "-o", "InRelease", "Release"], env=env, cwd=folder)
        run([*gpg, "--export", "-o", "lab.gpg"], env=env, cwd=folder)
        run(["gpgconf", "--kill", "all"], env=env)
