# SPDX-License-Identifier: Apache-2.0
"""`provenance.py IMAGES.TXT`: prints how the agents' images were built, as a predicate of
SLSA provenance (https://slsa.dev/spec/v1.0/provenance), from what tools/build_images.sh
wrote down. It says what that script saw on the machine where it ran, and is worth as much
as that machine and who signs it."""

import json
import sys
from pathlib import Path
from typing import Any

BUILD_TYPE = "https://www.starlingx.io/hummingbird/build_images/v1"


def predicate(text: str) -> dict[str, Any]:
    """Return the predicate for what images.txt says."""
    said = dict(line.split(": ", 1) for line in text.splitlines())
    base, _, base_digest = said["base"].partition(" sha256:")
    images = (pair.partition(":") for pair in said["images"].split(","))
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "registry": said["registry"],
                "tag": said["tag"],
                "base": said["base"],
            },
            "resolvedDependencies": [
                {"name": base, "digest": {"sha256": base_digest}},
                {"name": "sources", "digest": {"gitCommit": said["revision"]}},
            ],
        },
        "runDetails": {
            "builder": {"id": f"{BUILD_TYPE}#{said['builder']}"},
            "byproducts": [
                {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
                for name, _, digest in images
            ],
        },
    }


if __name__ == "__main__":
    print(json.dumps(predicate(Path(sys.argv[1]).read_text()), indent=2))
