#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the images of the agents, mtc-client and sysinv-agent, with buildah, podman or
# docker, whichever is there (or $BUILDER).
#
#   REGISTRY=registry.example:5000/hummingbird TAG=0.1.0 tools/build_images.sh
#       builds REGISTRY/mtc-client:TAG and REGISTRY/sysinv-agent:TAG, pushes them, and
#       writes RECORD/agents.conf, by which Hummingbird runs these and no others, and
#       RECORD/images.txt: what was built, of what, by what, and the images for make sbom
#   HUMMINGBIRD_IMAGE_OUT=DIR tools/build_images.sh
#       leaves DIR/mtc-client.tar and DIR/sysinv-agent.tar, OCI archives
#
# BASE                   image to build on, named by its digest (or a local one); default
#                        below: Python 3.11.16 on Debian 12, of several architectures
# HUMMINGBIRD_IMAGE_BASE tar archive of a root file system with Python to build on
#                        instead: no registry is asked for anything then
# TAG                    default: the version in hummingbird/__init__.py
# RECORD                 default build/images
# SOURCE_DATE_EPOCH      time of everything in the images; default: the commit's. buildah
#                        and podman make the same image of the same sources each time
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
agents="mtc-client sysinv-agent"
# A newer one: `skopeo inspect docker://docker.io/library/python:3.11-slim-bookworm` says its
# Digest.
base=${BASE:-docker.io/library/python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b}
base_archive=${HUMMINGBIRD_IMAGE_BASE:-}
out=${HUMMINGBIRD_IMAGE_OUT:-}
registry=${REGISTRY:-}
tag=${TAG:-$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$here/hummingbird/__init__.py")}

record=${RECORD:-$here/build/images}
revision=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git -C "$here" status --porcelain 2>/dev/null)" ] || revision=$revision-changed
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}

fail() {
    echo "build_images: $*" >&2
    exit 1
}

[ -n "$out" ] || [ -n "$registry" ] ||
    fail "say where the images go: REGISTRY=host:port/path, or HUMMINGBIRD_IMAGE_OUT=dir"

builder=${BUILDER:-}
for candidate in buildah podman docker; do
    [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
[ -n "$builder" ] || fail "needs buildah, podman or docker"

case $base in
localhost/* | *@sha256:*) ;;
*) fail "BASE must say which image it is by its digest: $base@sha256:…" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# A store of its own leaves nothing behind, and no daemon or mount is needed. A base from
# a registry is worth keeping, so then the user's own store is used.
store=""
if [ "$builder" = buildah ] && [ -n "$base_archive" ]; then
    store="--root $work/store --runroot $work/run --storage-driver vfs"
    BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
    export BUILDAH_ISOLATION
fi

# shellcheck disable=SC2086 # $store is several words, or none
tool() {
    if [ "$builder" = buildah ]; then
        buildah $store "$@"
    else
        "$builder" "$@"
    fi
}

import_base() {
    base=localhost/hummingbird-agent-base
    base_digest=sha256:$(sha256sum "$base_archive" | cut -d ' ' -f 1)
    if [ "$builder" = buildah ]; then
        container=$(tool from scratch)
        tool add --quiet "$container" "$base_archive" / >/dev/null
        tool commit --quiet --timestamp "$epoch" "$container" "$base" >/dev/null
    else
        tool import "$base_archive" "$base" >/dev/null
    fi
}

build() {
    image=$1
    module=$(echo "$2" | tr - _)
    context=$work/context
    rm -rf "$context"
    # Only the sources: no bytecode of this machine's Python, nothing of the checkout.
    (cd "$here" && find hummingbird/__init__.py hummingbird/wire agents/__init__.py \
        agents/compile_imports.py agents/link "agents/$module" -name '*.py') | while read -r file; do
        mkdir -p "$context/$(dirname "$file")"
        cp "$here/$file" "$context/$file"
    done
    command=build
    [ "$builder" != buildah ] || command=bud
    dated="--timestamp $epoch"
    [ "$builder" != docker ] || dated="--build-arg SOURCE_DATE_EPOCH=$epoch"
    # shellcheck disable=SC2086 # $dated is several words
    tool "$command" $dated --build-arg "BASE=$base" --tag "$image" \
        --label "org.opencontainers.image.version=$tag" \
        --label "org.opencontainers.image.revision=$revision" \
        --label "org.opencontainers.image.base.name=${base%@*}" \
        --label "org.opencontainers.image.base.digest=$base_digest" \
        --file "$here/agents/$module/Containerfile" "$context"
}

# Pushes image $1; says its digest, as the registry knows it.
push() {
    case $builder in
    buildah | podman)
        tool push --digestfile "$work/digest" "$1" >&2
        cat "$work/digest"
        ;;
    docker)
        tool push "$1" >&2
        tool image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" |
            sed -n "s|^${1%:*}@||p" | head -n 1
        ;;
    esac
}

archive() {
    case $builder in
    buildah) tool push --quiet "$1" "oci-archive:$2" ;;
    podman) tool save --quiet --format oci-archive --output "$2" "$1" ;;
    docker) tool save --output "$2" "$1" ;;
    esac
    # Docker before 25 writes a format of its own.
    tar -tf "$2" index.json >/dev/null 2>&1 || fail "$builder did not write an OCI archive"
}

base_digest=${base##*@}
[ -z "$base_archive" ] || import_base
digests=""
for agent in $agents; do
    image=localhost/hummingbird/$agent:$tag
    [ -z "$registry" ] || image=$registry/$agent:$tag
    build "$image" "$agent"
    if [ -n "$out" ]; then
        mkdir -p "$out"
        rm -f "$out/$agent.tar"
        archive "$image" "$out/$agent.tar"
        echo "$out/$agent.tar"
    fi
    if [ -n "$registry" ]; then
        digest=$(push "$image")
        [ -n "$digest" ] || fail "the registry did not say the digest of $image"
        digests=${digests:+$digests,}$agent:$digest
        if [ "$builder" != docker ]; then # before 25 it writes none that others read
            mkdir -p "$record"
            rm -f "$record/$agent.tar"
            archive "$image" "$record/$agent.tar"
        fi
        echo "$registry/$agent@$digest"
    fi
done
[ -n "$digests" ] || exit 0
mkdir -p "$record"
cat >"$record/agents.conf" <<END
# Written by tools/build_images.sh: hummingbird up --config-file … --config-file agents.conf
[agents]
registry = $registry
digests = $digests
END
cat >"$record/images.txt" <<END
images: $digests
registry: $registry
tag: $tag
revision: $revision
base: ${base%@*} $base_digest
builder: $("$builder" --version | head -n 1)
END
echo "$record/agents.conf says so to Hummingbird" >&2
