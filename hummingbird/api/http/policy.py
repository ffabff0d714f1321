# SPDX-License-Identifier: Apache-2.0
"""Who may do what: a rule for every route, by roles of Keystone, with oslo.policy.

The rules stand here. An operator overrides them in `policy.yaml` beside the configuration
file ([oslo_policy]policy_file, policy_dirs), which is looked at again every few seconds;
`oslopolicy-sample-generator --namespace hummingbird` prints them all. Rules of hosts and
faults have the names and defaults that StarlingX's own services give them (StarlingX
config sysinv/api/policies, fault fm/api/policies), so that one file serves both; only that
who is admin may look as well. A route without a rule does not start.

A decision is kept for as long as the file is not looked at: to ask oslo.policy takes a
fifth of a millisecond, which is much of what reading a host takes.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from oslo_policy import policy

from hummingbird.api.controllers.unused_resource import EMPTY
from hummingbird.api.http.call import Call
from hummingbird.api.http.router import Handler, Route
from hummingbird.clock import Clock
from hummingbird.conf import Conf
from hummingbird.context import RequestContext
from hummingbird.errors import Forbidden, PolicyInvalid

LOG = logging.getLogger(__name__)

RECHECK_SECONDS: Final = 5.0
_MOST_DECISIONS: Final = 4096

TRUST: Final = "hummingbird:hosts:trust"
"""Asked in the middle of a change of a host (api/controllers/host_trust.py)."""
_SYSTEM_PROJECT = "(project_name:admin or project_name:services)"
_PUBLIC = "@"
_ADMIN = "rule:admin"
_CONFIGURATORS = "rule:admin_or_configurator"
_OPERATORS = "rule:admin_or_operator_or_configurator"
_READERS = "rule:reader_or_operator_or_configurator"
_FAULT_READERS = "rule:fault_reader"

_BASE: tuple[policy.RuleDefault, ...] = (
    policy.RuleDefault(
        "admin",
        f"role:admin and {_SYSTEM_PROJECT}",
        "The role admin in the projects admin and services.",
    ),
    policy.RuleDefault(
        "admin_or_configurator",
        f"(role:admin or role:configurator) and {_SYSTEM_PROJECT}",
        "Who sets the system up, in the projects admin and services.",
    ),
    policy.RuleDefault(
        "admin_or_operator_or_configurator",
        f"(role:admin or role:operator or role:configurator) and {_SYSTEM_PROJECT}",
        "Who runs the system, in the projects admin and services.",
    ),
    policy.RuleDefault(
        "reader_or_operator_or_configurator",
        "(role:reader or role:operator or role:configurator or role:admin)"
        f" and {_SYSTEM_PROJECT}",
        "Who may look, in the projects admin and services.",
    ),
    policy.RuleDefault(
        "fault_reader",
        "role:reader or role:operator or role:configurator or role:admin",
        "Who may look at faults, in any project.",
    ),
    policy.RuleDefault(
        TRUST,
        _CONFIGURATORS,
        "Who may have a stored secret go elsewhere than where it was given for: change"
        " how to get into a host, accept its SSH key anew, move a board.",
    ),
)


def _rule(
    name: str, who: str, action: str, *operations: str
) -> policy.DocumentedRuleDefault:
    """Return one rule.

    :param action: completes "… is not allowed to".
    :param operations: method and path as in api/routes.py; a path that ends in /* is of
        all under it that have no rule of their own.
    """
    return policy.DocumentedRuleDefault(
        name,
        who,
        action,
        [
            {"method": method, "path": path}
            for method, path in (operation.split() for operation in operations)
        ],
    )


# fmt: off
_RULES: tuple[policy.DocumentedRuleDefault, ...] = (
    _rule("hummingbird:version:get", _PUBLIC, "see which versions there are",
          "GET /", "GET /v1"),
    _rule("hummingbird:health:get", _PUBLIC, "see whether it is ready",
          "GET /v1/health"),
    _rule("config_api:health:get", _READERS, "see how well the system is",
          "GET /v1/health/*"),

    _rule("config_api:isystems:get", _READERS, "see the system",
          "GET /v1/isystems", "GET /v1/isystems/*"),
    _rule("config_api:ihosts:get", _READERS, "see hosts",
          "GET /v1/ihosts", "GET /v1/ihosts/*", "GET /v1/pci_devices",
          "GET /v1/pci_devices/*", "GET /v1/inodes/*", "GET /v1/icpus/*",
          "GET /v1/imemorys/*", "GET /v1/idisks/*", "GET /v1/partitions/*",
          "GET /v1/ipvs/*", "GET /v1/ilvgs/*", "GET /v1/host_fs/*", "GET /v1/ports/*",
          "GET /v1/ethernet_ports/*", "GET /v1/iinterfaces/*",
          "GET /v1/lldp_agents/*", "GET /v1/lldp_neighbours/*", "GET /v1/isensors/*"),
    _rule("config_api:ihosts:post", _CONFIGURATORS, "add hosts",
          "POST /v1/ihosts", "POST /v1/ihosts/bulk_add", "POST /v1/ihosts/{host}/vim",
          "POST /v1/ihosts/{host}/kube_upgrade_kubelet"),
    _rule("config_api:ihosts:patch", _OPERATORS, "change hosts",
          "PATCH /v1/ihosts/{host}"),
    _rule("config_api:ihosts:delete", _CONFIGURATORS, "delete hosts",
          "DELETE /v1/ihosts/{host}"),
    _rule("config_api:labels:get", _READERS, "see labels",
          "GET /v1/ihosts/{host}/labels", "GET /v1/labels", "GET /v1/labels/*"),
    _rule("config_api:labels:post", _CONFIGURATORS, "set labels",
          "POST /v1/labels/{host}"),
    _rule("config_api:labels:delete", _CONFIGURATORS, "remove labels",
          "DELETE /v1/labels/{label}"),
    _rule("config_api:networks:get", _READERS, "see networks and addresses",
          "GET /v1/networks", "GET /v1/networks/*", "GET /v1/addrpools",
          "GET /v1/addrpools/*", "GET /v1/addresses", "GET /v1/addresses/*",
          "GET /v1/network_addresspools", "GET /v1/network_addresspools/*"),
    _rule("config_api:networks:modify", _CONFIGURATORS, "change networks",
          "POST /v1/networks", "DELETE /v1/networks/{network}"),
    _rule("config_api:addrpools:modify", _CONFIGURATORS, "change address pools",
          "POST /v1/addrpools", "PATCH /v1/addrpools/{pool}",
          "DELETE /v1/addrpools/{pool}",
          "POST /v1/network_addresspools", "DELETE /v1/network_addresspools/{uuid}"),
    _rule("config_api:addresses:modify", _CONFIGURATORS, "change addresses",
          "POST /v1/addresses", "DELETE /v1/addresses/{address}"),

    _rule("config_api:apps:get", _READERS, "see applications",
          "GET /v1/apps", "GET /v1/apps/*"),
    _rule("config_api:apps:modify", _CONFIGURATORS, "change applications",
          "POST /v1/apps", "PATCH /v1/apps/{app}", "DELETE /v1/apps/{app}"),
    _rule("config_api:storage_ceph_rook:post", _CONFIGURATORS, "add storage",
          "POST /v1/storage_ceph_rook"),
    _rule("hummingbird:starlingx:get", _READERS, "see what the whole system has",
          *(
              f"GET /v1/{name}{under}"
              for name in (*EMPTY, "kube_host_upgrades", "kube_versions", "servicegroup")
              for under in ("", "/*")
          ), "GET /v1/license/get_license_file"),

    _rule("fm_api:alarm:get", _FAULT_READERS, "see alarms",
          "GET /v1/alarms", "GET /v1/alarms/*"),
    _rule("fm_api:alarm:create", _CONFIGURATORS, "set alarms",
          "POST /v1/alarms"),
    _rule("fm_api:alarm:modify", _CONFIGURATORS, "change alarms",
          "PUT /v1/alarms/{uuid}"),
    _rule("fm_api:alarm:delete", _CONFIGURATORS, "clear alarms",
          "DELETE /v1/alarms/{uuid}"),
    _rule("fm_api:event_log:get", _FAULT_READERS, "see the event log",
          "GET /v1/event_log", "GET /v1/event_log/*"),
    _rule("fm_api:event_suppression:get", _FAULT_READERS, "see what is suppressed",
          "GET /v1/event_suppression", "GET /v1/event_suppression/*"),
    _rule("fm_api:event_suppression:modify", _CONFIGURATORS, "suppress alarms",
          "PATCH /v1/event_suppression/{uuid}"),

    _rule("hummingbird:runs:get", _READERS, "see runs",
          "GET /v1/runs", "GET /v1/runs/*"),
    _rule("hummingbird:emns:get", _READERS, "see edge networks",
          "GET /v1/emns", "GET /v1/emns/*"),
    _rule("hummingbird:emns:modify", _CONFIGURATORS, "change edge networks",
          "POST /v1/emns", "PATCH /v1/emns/{emn}", "DELETE /v1/emns/{emn}"),
    _rule("hummingbird:credentials:get", _CONFIGURATORS, "see credentials",
          "GET /v1/credentials", "GET /v1/credentials/*"),
    _rule("hummingbird:credentials:modify", _CONFIGURATORS, "change credentials",
          "POST /v1/credentials", "DELETE /v1/credentials/{credential}"),
    _rule("hummingbird:tunnels:get", _READERS, "see tunnels",
          "GET /v1/tunnels", "GET /v1/tunnels/*"),
    _rule("hummingbird:tunnels:modify", _CONFIGURATORS, "begin, change and end tunnels",
          "DELETE /v1/tunnels/{host}", "POST /v1/tunnels/{host}/claim",
          "POST /v1/tunnels/{host}/rotate"),
    _rule("hummingbird:trace:get", _READERS, "see where the path to a host ends",
          "GET /v1/ihosts/{host}/trace"),
    _rule("hummingbird:trace:post", _OPERATORS, "look where the path to a host ends",
          "POST /v1/ihosts/{host}/trace"),
    _rule("hummingbird:firewall:get", _READERS, "see which ports are needed",
          "GET /v1/firewall"),
    _rule("hummingbird:heartbeats:get", _READERS, "see heartbeats",
          "GET /v1/heartbeats", "GET /v1/heartbeats/*"),
    _rule("hummingbird:openapi:get", _READERS, "see what the API is",
          "GET /v1/openapi.json"),
    _rule("hummingbird:audit_log:get", _ADMIN, "see who changed what",
          "GET /v1/audit_log"),
    _rule("hummingbird:reconcilers:get", _READERS, "see what the conductor keeps true",
          "GET /v1/reconcilers"),
    _rule("hummingbird:processes:get", _READERS, "see our own processes",
          "GET /v1/processes"),
    _rule("hummingbird:processes:delete", _CONFIGURATORS, "delete processes",
          "DELETE /v1/processes/{process}"),
)
# fmt: on

_RULE_OF: Final = {
    (operation["method"], operation["path"]): rule
    for rule in _RULES
    for operation in rule.operations
}


def list_rules() -> Sequence[policy.RuleDefault]:
    """Return all rules, for oslo.policy's programs."""
    return (*_BASE, *_RULES)


def rule_of(method: str, path: str) -> policy.DocumentedRuleDefault:
    """Return the rule of a route.

    :raises LookupError: it has none.
    """
    collection = "/".join(path.split("/")[:3])
    found = _RULE_OF.get((method, path))
    if found is None and path != collection:
        found = _RULE_OF.get((method, f"{collection}/*"))
    if found is None:
        raise LookupError(
            f"nobody said who may {method} {path}: hummingbird/api/http/policy.py"
        )
    return found


class Policy:
    """Decides, by the rules and what the operator made of them."""

    def __init__(self, conf: Conf, clock: Clock) -> None:
        """
        :raises PolicyInvalid: the operator's file can't be used.
        """
        self._clock = clock
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(list_rules())
        self._decisions: dict[Any, bool] = {}
        self._until = clock.monotonic() + RECHECK_SECONDS
        try:
            self._enforcer.load_rules()
            self._enforcer.check_rules(raise_on_violation=True)
        except (policy.InvalidDefinitionError, ValueError, OSError) as error:
            raise PolicyInvalid(message=error) from error

    def guard(self, routes: Iterable[Route]) -> list[Route]:
        """Return the routes, each letting in whom its rule names.

        :raises LookupError: one has no rule.
        """
        return [
            (method, path, self._guarded(handler, rule_of(method, path)))
            for method, path, handler in routes
        ]

    def _guarded(
        self, handler: Handler, rule: policy.DocumentedRuleDefault
    ) -> Callable[[Call], Any]:
        def guarded(call: Call) -> Any:
            if not self.allows(rule.name, call.context):
                raise Forbidden(user=call.context.user, action=rule.description)
            # Of the context and not of the call: one that names itself stays until the
            # garbage collector comes by.
            call.allows = partial(self.allows, context=call.context)
            return handler(call)

        return guarded

    def allows(self, name: str, context: RequestContext) -> bool:
        """Whether the rule `name` lets this caller in."""
        if self._clock.monotonic() >= self._until:
            self._look_again()
        caller = context.credentials
        key = (name, caller)
        decided = self._decisions.get(key)
        if decided is None:
            decided = bool(
                self._enforcer.enforce(
                    name, {}, {**dict(caller), "roles": list(context.roles)}
                )
            )
            if len(self._decisions) < _MOST_DECISIONS:
                self._decisions[key] = decided
        return decided

    def _look_again(self) -> None:
        self._until = self._clock.monotonic() + RECHECK_SECONDS
        try:
            self._enforcer.load_rules()
        except (ValueError, OSError) as error:
            # The rules that were loaded before stay.
            LOG.error("The policy file can't be used: %s", error)
        self._decisions = {}
