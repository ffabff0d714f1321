#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the lists of exact versions anew from what setup.cfg allows, by uv (from PyPI):
#
#   constraints.txt          what `make venv`, tox and CI install: the newest of everything
#   constraints-runtime.txt  of these, what Hummingbird runs with: for a deployment
#   constraints-lowest.txt   the oldest that setup.cfg allows to run with: make test-lowest
#   constraints-release.txt  the tools of `make sbom`
#
# Each line has the hashes of what may be installed; pip refuses anything else.
set -eu
cd "$(dirname "$0")/.."

tools=build/constraints
[ -x "$tools/bin/uv" ] || {
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check uv
}

# Never older than setup.cfg's python_requires; on any platform.
compile() {
    out=$1
    shift
    "$tools/bin/uv" pip compile --quiet --python-version 3.11 --generate-hashes \
        --no-annotate --no-header "$@" --output-file "$tools/made"
    {
        echo "# Made by tools/constraints.sh (make constraints); not to be edited by hand."
        cat "$tools/made"
    } >"$out"
    rm "$tools/made"
}

# What builds the project: its own installation asks nobody for it then.
echo "setuptools>=70" >"$tools/build.in"
all="setup.cfg $tools/build.in"

# shellcheck disable=SC2086 # $all is several words
{
    compile constraints.txt --universal --extra test --extra postgresql $all
    compile constraints-runtime.txt --universal --extra postgresql \
        --constraints constraints.txt $all
    compile "$tools/lowest.txt" --universal --resolution lowest-direct \
        --extra postgresql setup.cfg
    # The tests' own tools are the newest also there.
    compile constraints-lowest.txt --universal --extra test --extra postgresql \
        --constraints "$tools/lowest.txt" $all
}
echo "cyclonedx-bom" >"$tools/release.in"
compile constraints-release.txt --universal "$tools/release.in"
