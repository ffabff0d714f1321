#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the images of the agents, mtc-client and sysinv-agent, with buildah, podman or
# docker, whichever is there (or $BUILDER).
#
#   REGISTRY=registry.example:5000/hummingbird TAG=0.1.0 tools/build_images.sh
#       builds REGISTRY/mtc-client:TAG and REGISTRY/sysinv-agent:TAG and pushes them
#   HUMMINGBIRD_IMAGE_OUT=DIR tools/build_images.sh
#       leaves DIR/mtc-client.tar and DIR/sysinv-agent.tar, OCI archives
#
# BASE                   image to build on; default docker.io/library/python:3.11-slim
# HUMMINGBIRD_IMAGE_BASE tar archive of a root file system with Python to build on
#                        instead: no registry is asked for anything then
# TAG                    default: the version in hummingbird/__init__.py
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
agents="mtc-client sysinv-agent"
base=${BASE:-docker.io/library/python:3.11-slim}
base_archive=${HUMMINGBIRD_IMAGE_BASE:-}
out=${HUMMINGBIRD_IMAGE_OUT:-}
registry=${REGISTRY:-}
tag=${TAG:-$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$here/hummingbird/__init__.py")}

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
    if [ "$builder" = buildah ]; then
        container=$(tool from scratch)
        tool add --quiet "$container" "$base_archive" / >/dev/null
        tool commit --quiet "$container" "$base" >/dev/null
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
    command=bud
    [ "$builder" = buildah ] || command=build
    tool "$command" --build-arg "BASE=$base" --tag "$image" \
        --file "$here/agents/$module/Containerfile" "$context"
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

[ -z "$base_archive" ] || import_base
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
        tool push "$image"
        echo "$image"
    fi
done
