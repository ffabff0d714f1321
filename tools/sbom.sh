#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes what Hummingbird is made of (CycloneDX), and how its images were built:
#
#   build/sbom/hummingbird.cdx.json      the libraries of a deployment, as they are installed
#   build/sbom/{mtc-client,sysinv-agent}.cdx.json    the images that `make images` pushed
#   build/sbom/provenance.json           what they were built of and by what (SLSA v1)
#
# The tools are those of constraints-release.txt; for images syft, where it is on PATH.
# Nothing is signed here. With a key of yours and cosign:
#   cosign attest --key KEY --type cyclonedx --predicate build/sbom/mtc-client.cdx.json \
#       REGISTRY/mtc-client@sha256:…
#   cosign attest --key KEY --type slsaprovenance1 --predicate build/sbom/provenance.json …
set -eu
cd "$(dirname "$0")/.."

out=build/sbom
images=${RECORD:-build/images}
python=${PYTHON:-python3}
mkdir -p "$out"

environment() {
    [ -x "$out/$1/bin/python" ] || "$python" -m venv "$out/$1"
    "$out/$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$2"
}

environment tools constraints-release.txt
rm -rf "$out/runtime"
environment runtime constraints-runtime.txt
"$out/runtime/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation .
"$out/tools/bin/cyclonedx-py" environment --output-reproducible --mc-type application \
    --output-file "$out/hummingbird.cdx.json" "$out/runtime/bin/python"
echo "$out/hummingbird.cdx.json"

if [ ! -f "$images/images.txt" ]; then
    echo "sbom: no images: make images writes $images/images.txt" >&2
    exit 0
fi
said() { sed -n "s/^$1: //p" "$images/images.txt"; }
registry=$(said registry)
for pair in $(said images | tr , ' '); do
    agent=${pair%%:*} digest=${pair#*:}
    file=$out/$agent.cdx.json
    if command -v syft >/dev/null; then
        syft scan --quiet "registry:$registry/$agent@$digest" --output "cyclonedx-json=$file"
    elif [ -f "$images/$agent.tar" ]; then
        "$out/tools/bin/python" tools/image_sbom.py "$images/$agent.tar" \
            "$registry/$agent" "$digest" "$file"
    else
        echo "sbom: $agent: needs syft, or buildah or podman for make images" >&2
        exit 1
    fi
    echo "$file"
done
"$out/tools/bin/python" tools/provenance.py "$images/images.txt" >"$out/provenance.json"
echo "$out/provenance.json"
