# SPDX-License-Identifier: Apache-2.0
"""What runs playbooks, as the configuration wants it confined."""

from pathlib import Path

from hummingbird.adapters.ansible import confine
from hummingbird.adapters.ansible.runner import AnsibleRunner
from hummingbird.conf import Conf
from hummingbird.conf.share import shared
from hummingbird.errors import PlaybooksNotConfined


def playbook_runner(
    conf: Conf, state: Path, *, layers: confine.Layers | None = None
) -> AnsibleRunner:
    """Return a runner that is confined as far as can be; say in the log what stays open.

    :param state: the state directory.
    :param layers: what can be had; by default what is found here.
    :raises PlaybooksNotConfined: that is not all that has to be.
    """
    layers = layers or confine.probe()
    missing = [
        name for name in conf.provisioning.confinement_required if layers.lacks(name)
    ]
    if missing:
        raise PlaybooksNotConfined(
            missing=", ".join(missing), message="; ".join(layers.sentences())
        )
    confine.tell(layers)
    playbooks = Path(conf.provisioning.playbooks or shared("playbooks"))
    return AnsibleRunner(
        playbooks, state / "runs", packed=state / "modules", layers=layers
    )
