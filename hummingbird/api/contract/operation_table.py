# SPDX-License-Identifier: Apache-2.0
"""What each route of api/routes.py is for, takes and gives: one row a route.

doc/openapi.json is made from these rows, from the tables that check bodies (api/schema)
and from the shapes beside the views (api/view). A query's arguments are checked by them,
too. tests/contract/test_openapi.py names a route that has no row.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from hummingbird.api.contract.address_operations import ADDRESS_OPERATIONS, PAGES
from hummingbird.api.contract.fault_operations import FAULT_OPERATIONS, FILTER
from hummingbird.api.contract.operation import (
    ANYTHING,
    LIMIT,
    MARKER,
    SORT_DIR,
    Argument,
    Operation,
    Patch,
    guarded,
    sort_key,
)
from hummingbird.api.contract.shape import FREE, TEXT, listing, many, one_of, words
from hummingbird.api.controllers.unused_resource import EMPTY, FURTHER
from hummingbird.api.http.router import Route
from hummingbird.api.schema.credential import NEW_CREDENTIAL
from hummingbird.api.schema.emn import EMN_CHANGE, NEW_EMN
from hummingbird.api.schema.host import NEW_HOST
from hummingbird.api.schema.host_audit import HOST_AUDIT
from hummingbird.api.schema.host_bulk import HOSTS_FILE, check_personality
from hummingbird.api.schema.label import LABELS
from hummingbird.api.schema.tunnel import NEW_CLAIM
from hummingbird.api.view.application import APPLICATION
from hummingbird.api.view.audit_log import AUDIT_ENTRY
from hummingbird.api.view.condition import CONDITION
from hummingbird.api.view.credential import CREDENTIAL
from hummingbird.api.view.emn import EMN
from hummingbird.api.view.facts import FACTS, KERNEL
from hummingbird.api.view.firewall import RULE
from hummingbird.api.view.heartbeat import HEARTBEAT
from hummingbird.api.view.history import FACT_CHANGE
from hummingbird.api.view.host import HOST, HOST_IN_LIST
from hummingbird.api.view.host_bulk import BULK_RESULT, HOSTS_EXPORT
from hummingbird.api.view.interface_network import INTERFACE_NETWORK
from hummingbird.api.view.inventory import COLLECTIONS, PARTS
from hummingbird.api.view.inventory_shape import COLLECTION, ITEMS
from hummingbird.api.view.kubelet import KUBE_HOST_UPGRADE, KUBE_VERSION
from hummingbird.api.view.label import LABEL
from hummingbird.api.view.process import PROCESS
from hummingbird.api.view.run import RUN, RUN_EVENT
from hummingbird.api.view.service_group import SERVICE_GROUP
from hummingbird.api.view.system import SYSTEM
from hummingbird.api.view.trace import TRACE
from hummingbird.api.view.tunnel import CLAIM, TUNNEL
from hummingbird.domain.emn import Attachment
from hummingbird.domain.host import PERSONALITY

_TRUE_OR_FALSE: Final = {"type": "string"}

_HOSTS: Final = (
    Argument("isystem_id", "The uuid of the system that they are in."),
    Argument("personality", "Hosts of this kind; all of ours are edgeworkers."),
    MARKER,
    LIMIT,
    sort_key("id"),
    SORT_DIR,
)
_HOST_CHANGE: Final = Patch(
    ("add", "replace", "remove"),
    "What to change of the host, in the names that it is shown with; /action is what to "
    "do with it.",
)
_LABELS: Final = listing("labels", LABEL)
_INTERFACE_NETWORKS: Final = listing("interface_networks", INTERFACE_NETWORK)
_READY: Final = {
    "type": "object",
    "properties": {
        "ready": {"const": True},
        "gateways": {
            "type": "object",
            "description": "How many gateways listen; how many stopped without a "
            "farewell; and for how many seconds none of them has written, between two "
            "of these questions to this process.",
            "properties": {
                "listening": {"type": "integer"},
                "gone": {"type": "integer"},
                "silent_seconds": {"type": "number"},
            },
            "required": ["listening", "gone", "silent_seconds"],
            "additionalProperties": False,
        },
    },
    "required": ["ready", "gateways"],
    "additionalProperties": False,
}

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/"): Operation("Versions of the API", FREE, is_public=True),
    ("GET", "/v1"): Operation("What is served", FREE, is_public=True),
    ("GET", "/v1/openapi.json"): Operation("This document", FREE),
    ("GET", "/v1/health"): Operation(
        "Whether this process can do its work; with a slash at the end and a token, how "
        "well the system is, in lines",
        one_of(_READY, TEXT),
        is_public=True,
    ),
    **{
        ("GET", f"/v1/health/kube-upgrade{way}"): Operation(
            "How well the system is, in lines",
            TEXT,
            query=(Argument("rootca", "Not read."),),
        )
        for way in ("", "/relaxed")
    },
    ("GET", "/v1/isystems"): Operation("This system", listing("isystems", SYSTEM)),
    ("GET", "/v1/isystems/{system}"): Operation("This system", SYSTEM),
    # Hosts
    ("GET", "/v1/ihosts"): Operation(
        "List hosts", listing("ihosts", HOST_IN_LIST, is_paged=True), query=_HOSTS
    ),
    ("GET", "/v1/ihosts/detail"): Operation(
        "List hosts with all of each",
        listing("ihosts", HOST, is_paged=True),
        query=_HOSTS,
    ),
    ("POST", "/v1/ihosts/bulk_add"): Operation(
        "Add the hosts of a file",
        BULK_RESULT,
        body=HOSTS_FILE,
        body_type="multipart/form-data",
    ),
    ("GET", "/v1/ihosts/bulk_export"): Operation(
        "Give a file that adds the hosts again",
        HOSTS_EXPORT,
        query=(
            Argument(
                "personality",
                "edgeworker: our file; beside a sysinv its own is given without it.",
                {"type": "string", "enum": [PERSONALITY]},
                check=check_personality,
            ),
        ),
    ),
    ("POST", "/v1/ihosts"): Operation("Add a host", HOST, body=NEW_HOST),
    ("GET", "/v1/ihosts/{host}"): Operation("Show a host", HOST),
    ("PATCH", "/v1/ihosts/{host}"): Operation(
        "Change a host, or do something with it",
        HOST,
        body=_HOST_CHANGE,
        has_tag=True,
    ),
    ("DELETE", "/v1/ihosts/{host}"): Operation("Delete a host", has_tag=True),
    ("GET", "/v1/ihosts/{host}/kernel"): Operation("Show a host's kernel", KERNEL),
    ("GET", "/v1/ihosts/{host}/conditions"): Operation(
        "List what is known of a host, who saw it, and since when",
        listing("conditions", CONDITION),
    ),
    ("GET", "/v1/ihosts/{host}/facts"): Operation("Show a host's last report", FACTS),
    ("GET", "/v1/ihosts/{host}/labels"): Operation("List a host's labels", _LABELS),
    ("GET", "/v1/ihosts/{host}/{collection}"): Operation(
        "List what hangs on a host", COLLECTION
    ),
    ("GET", "/v1/ihosts/{host}/trace"): Operation(
        "Show where the path to a host ended when it was last looked at",
        TRACE,
        query=(Argument("wait", "Seconds to wait until it is done, at most 30."),),
    ),
    ("POST", "/v1/ihosts/{host}/trace"): Operation(
        "Look where the path to a host ends", TRACE, status=202
    ),
    ("GET", "/v1/ihosts/{host}/history"): Operation(
        "List what changed of a host, the latest first",
        listing("history", FACT_CHANGE, is_paged=True),
        query=(
            LIMIT,
            Argument("marker", "The id of the last change that was seen."),
            Argument("since", "Not what was before this time (ISO 8601)."),
            Argument("section", "Of this section of the report alone."),
        ),
    ),
    ("POST", "/v1/ihosts/{host}/kube_upgrade_kubelet"): Operation(
        "Refused: reinstall the host instead", FREE, body=ANYTHING
    ),
    ("POST", "/v1/ihosts/{host}/vim"): Operation(
        "Have a host looked at now", HOST, body=HOST_AUDIT
    ),
    # What hosts are made of, by the uuids of its items
    ("GET", "/v1/ihosts/{host}/interface_networks"): Operation(
        "List the networks of a host's interfaces", _INTERFACE_NETWORKS
    ),
    ("GET", "/v1/iinterfaces/{uuid}/interface_networks"): Operation(
        "List the networks of an interface", _INTERFACE_NETWORKS
    ),
    ("GET", "/v1/pci_devices"): Operation(
        "List PCI devices of all hosts",
        listing("pci_devices", ITEMS["pci_devices"], is_paged=True),
        query=PAGES,
    ),
    **{
        ("GET", f"/v1/{kind}/{{uuid}}"): Operation(f"Show one of {kind}", ITEMS[kind])
        for kind in COLLECTIONS
    },
    **{
        ("GET", f"/v1/{of}/{{uuid}}/{kind}"): Operation(
            f"List {kind} of one of {of}", listing(kind, ITEMS[kind])
        )
        for of, kind in PARTS
    },
    **{
        ("GET", f"/v1/{of}/{{uuid}}/tlvs"): Operation(
            f"List nothing: no agent tells the TLVs of {of}", listing("tlvs", FREE)
        )
        for of in ("lldp_agents", "lldp_neighbours")
    },
    # Labels
    ("GET", "/v1/labels"): Operation("List labels", _LABELS),
    ("GET", "/v1/labels/detail"): Operation("List labels", _LABELS),
    ("POST", "/v1/labels/{host}"): Operation(
        "Give a host labels",
        _LABELS,
        query=(Argument("overwrite", "True: set what is there anew.", _TRUE_OR_FALSE),),
        body=LABELS,
    ),
    ("GET", "/v1/labels/{label}"): Operation("Show a label", LABEL),
    ("DELETE", "/v1/labels/{label}"): Operation("Take a label away"),
    **ADDRESS_OPERATIONS,
    # What StarlingX's clients ask a whole system for
    ("GET", "/v1/apps"): Operation("List applications", listing("apps", APPLICATION)),
    ("POST", "/v1/apps"): Operation(
        "Refused: what hosts need is installed by itself",
        FREE,
        body=ANYTHING,
    ),
    ("GET", "/v1/apps/{app}"): Operation("Show an application", APPLICATION),
    ("PATCH", "/v1/apps/{app}"): Operation(
        "Look now whether it is applied",
        APPLICATION,
        query=(
            Argument("directive", "apply; remove and abort are refused."),
            Argument("force", "Not read."),
        ),
        body=ANYTHING,
    ),
    ("DELETE", "/v1/apps/{app}"): Operation(
        "Refused: hosts need it", query=(Argument("force", "Not read."),)
    ),
    ("GET", "/v1/kube_host_upgrades"): Operation(
        "List which kubelet each host runs",
        listing("kube_host_upgrades", KUBE_HOST_UPGRADE, is_paged=True),
        query=PAGES,
    ),
    ("GET", "/v1/kube_host_upgrades/{host}"): Operation(
        "Show which kubelet a host runs", KUBE_HOST_UPGRADE
    ),
    ("GET", "/v1/kube_versions"): Operation(
        "List the versions that hosts run", listing("kube_versions", KUBE_VERSION)
    ),
    ("GET", "/v1/kube_versions/{version}"): Operation(
        "Show a version that hosts run", KUBE_VERSION
    ),
    ("GET", "/v1/servicegroup"): Operation(
        "List our processes, and whether they are alive",
        listing("sm_servicegroup", SERVICE_GROUP),
    ),
    ("GET", "/v1/servicegroup/{uuid}"): Operation("Show a process", SERVICE_GROUP),
    ("POST", "/v1/storage_ceph_rook"): Operation(
        "Refused: there is no storage of all hosts together",
        FREE,
        body=ANYTHING,
    ),
    **{
        ("GET", f"/v1/{name}"): Operation(
            f"List nothing: there are no {key} here",
            listing(key, FREE),
            query=(*PAGES, *FILTER, Argument("image_name", "Not read.")),
        )
        for name, key in EMPTY.items()
    },
    **{
        ("GET", path): Operation(
            f"Say that there are none ({path.rpartition('/')[2]})",
            FREE,
            query=(
                Argument("expired", "Not read."),
                Argument("soon_to_expiry", "Not read."),
            ),
        )
        for path in FURTHER
    },
    **{
        ("GET", f"/v1/{name}/{{uuid}}"): Operation(f"Find nothing of {name}", FREE)
        for name in EMPTY
    },
    **FAULT_OPERATIONS,
    # Hummingbird's own
    ("GET", "/v1/runs"): Operation(
        "List runs, the latest first",
        listing("runs", RUN),
        query=(
            Argument("host", "Runs of this host."),
            Argument("state", "Runs in this state; several with commas."),
            LIMIT,
            Argument("before", "The id of the last run that was seen."),
        ),
    ),
    ("GET", "/v1/runs/{run}"): Operation("Show a run", RUN),
    ("GET", "/v1/runs/{run}/events"): Operation(
        "Read what a run did, and wait for more",
        {
            "type": "object",
            "properties": {"run": RUN, "events": many(RUN_EVENT)},
            "required": ["run", "events"],
            "additionalProperties": False,
        },
        query=(
            Argument("after", "The id of the last event that was seen."),
            Argument("wait", "Seconds to wait for more, 30 at most."),
            LIMIT,
        ),
    ),
    ("GET", "/v1/emns"): Operation("List networks of hosts", listing("emns", EMN)),
    ("POST", "/v1/emns"): Operation(
        "Add a network of hosts", EMN, status=201, body=NEW_EMN
    ),
    ("GET", "/v1/emns/{emn}"): Operation("Show a network of hosts", EMN, has_tag=True),
    ("PATCH", "/v1/emns/{emn}"): Operation(
        "Change a network of hosts", EMN, body=EMN_CHANGE, has_tag=True
    ),
    ("DELETE", "/v1/emns/{emn}"): Operation("Delete a network of hosts", has_tag=True),
    ("GET", "/v1/tunnels"): Operation(
        "List the hosts' tunnels", listing("tunnels", TUNNEL)
    ),
    ("GET", "/v1/tunnels/{host}"): Operation("Show a host's tunnel", TUNNEL),
    ("DELETE", "/v1/tunnels/{host}"): Operation("Cut a host off: its keys are dead"),
    ("POST", "/v1/tunnels/{host}/claim"): Operation(
        "Get the script that brings a host here",
        CLAIM,
        status=201,
        body=NEW_CLAIM,
    ),
    ("POST", "/v1/tunnels/{host}/rotate"): Operation(
        "Change the key of a host's tunnel", RUN, status=202
    ),
    ("GET", "/v1/credentials"): Operation(
        "List credentials", listing("credentials", CREDENTIAL)
    ),
    ("POST", "/v1/credentials"): Operation(
        "Add a credential", CREDENTIAL, status=201, body=NEW_CREDENTIAL
    ),
    ("GET", "/v1/credentials/{credential}"): Operation("Show a credential", CREDENTIAL),
    ("DELETE", "/v1/credentials/{credential}"): Operation("Delete a credential"),
    ("GET", "/v1/firewall"): Operation(
        "List what firewalls have to let through",
        listing("rules", RULE),
        query=(
            Argument("attachment", "Only of networks attached so.", words(*Attachment)),
        ),
    ),
    ("GET", "/v1/heartbeats"): Operation(
        "List who was heard, and when", listing("heartbeats", HEARTBEAT)
    ),
    ("GET", "/v1/heartbeats/{host}"): Operation("Show a host's heartbeat", HEARTBEAT),
    ("GET", "/v1/audit_log"): Operation(
        "List who asked for which change, the latest first",
        listing("audit_log", AUDIT_ENTRY),
        query=(
            Argument("user", "Changes that this user asked for."),
            Argument("method", "Changes by this method."),
            Argument("path", "Changes of paths that begin so."),
            LIMIT,
            Argument("before", "The id of the last entry that was seen."),
        ),
    ),
    ("GET", "/v1/processes"): Operation(
        "List our own processes, up or down, and who acts for the fleet",
        listing("processes", PROCESS),
    ),
    ("DELETE", "/v1/processes/{process}"): Operation(
        "Forget a process that is down and gone for good"
    ),
    ("GET", "/v1/reconcilers"): Operation(
        "List what is kept true, and how the last looks went",
        listing("reconcilers", FREE),
    ),
}


def described(routes: Iterable[Route]) -> list[Route]:
    """Return the routes, each taking only the arguments that its row has."""
    return [
        (method, path, guarded(OPERATIONS[method, path], handler))
        if (method, path) in OPERATIONS
        else (method, path, handler)
        for method, path, handler in routes
    ]
