# SPDX-License-Identifier: Apache-2.0
"""What the options say of how long runs wait, and of how often recovery acts."""

from datetime import timedelta

from hummingbird.conductor.neighbours import Patience
from hummingbird.conf import Conf
from hummingbird.domain.recovery import Limits


def patience(conf: Conf) -> Patience:
    """Return how long the runs of a conductor wait for what."""
    return Patience(
        playbook=conf.provisioning.timeout_seconds,
        connect=conf.provisioning.connect_timeout_seconds,
        ready=conf.provisioning.ready_timeout_seconds,
        drain=conf.provisioning.drain_timeout_seconds,
        settle=conf.recovery.settle_seconds,
        boot=conf.bmc.boot_seconds,
        shutdown=conf.bmc.shutdown_seconds,
        lease=conf.conductor.lease_seconds,
    )


def recovery_limits(conf: Conf) -> Limits:
    """Return how often recovery acts on one host."""
    options = conf.recovery
    return Limits(
        settle=timedelta(seconds=options.settle_seconds),
        boot_gap=timedelta(seconds=options.reboot_gap_seconds),
        max_boots=options.max_reboots_per_loss,
        max_boots_per_day=options.max_reboots_per_day,
        board_delay=timedelta(seconds=options.board_delay_seconds),
        max_attempts_per_day=options.max_attempts_per_day,
        not_ready_for=timedelta(seconds=options.not_ready_seconds),
    )
