# SPDX-License-Identifier: Apache-2.0
"""`hummingbird kubelet-list`: which kubelet each host runs."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from hummingbird.cli.client import path
from hummingbird.cli.command import List


class KubeletList(List):
    """List which kubelet each host runs, as its node in Kubernetes says."""

    examples = ("hummingbird kubelet-list",)
    columns = ("host_id", "hostname", "kubelet_version")

    def find(self, given: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
        """Return a row for each host."""
        names = {
            host["id"]: host["hostname"]
            for host in self.client.get(path("ihosts"))["ihosts"]
        }
        return [
            {**one, "hostname": names[one["host_id"]]}
            for one in self.client.get(path("kube_host_upgrades"))["kube_host_upgrades"]
            if one["host_id"] in names
        ]
