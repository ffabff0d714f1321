# SPDX-License-Identifier: Apache-2.0
"""Every route, in two tables: FM's, which its own port serves too, and all of them:
sysinv's, FM's, our own."""

from hummingbird.api.controllers import (
    address,
    address_pool,
    alarm,
    application,
    audit_log,
    condition,
    credential,
    emn,
    event_log,
    event_suppression,
    facts,
    firewall,
    health,
    heartbeat,
    history,
    host,
    host_audit,
    host_bulk,
    kubelet,
    label,
    network,
    network_addresspool,
    openapi,
    process,
    reconciler,
    root,
    run,
    service_group,
    system,
    trace,
    tunnel,
)
from hummingbird.api.controllers import unused_resource as empty
from hummingbird.api.http.idempotency import once
from hummingbird.api.http.router import Route
from hummingbird.api.view.inventory import COLLECTIONS, PARTS

# fmt: off
_FAULT: tuple[Route, ...] = (
    ("GET",    "/v1/alarms",                        alarm.list_short),
    ("POST",   "/v1/alarms",                        once(alarm.create)),
    ("GET",    "/v1/alarms/detail",                 alarm.list_full),
    ("GET",    "/v1/alarms/summary",                alarm.summary),
    ("GET",    "/v1/alarms/{uuid}",                 alarm.get),
    ("PUT",    "/v1/alarms/{uuid}",                 alarm.replace),
    ("DELETE", "/v1/alarms/{uuid}",                 alarm.remove),
    ("GET",    "/v1/event_log",                     event_log.list_short),
    ("GET",    "/v1/event_log/detail",              event_log.list_full),
    ("GET",    "/v1/event_log/{uuid}",              event_log.get),
    ("GET",    "/v1/event_suppression",             event_suppression.list_all),
    ("GET",    "/v1/event_suppression/{uuid}",      event_suppression.get),
    ("PATCH",  "/v1/event_suppression/{uuid}",      event_suppression.patch),
)

FAULT_ROUTES: tuple[Route, ...] = (
    ("GET",    "/",                                 root.fault_versions),
    ("GET",    "/v1",                               root.fault_v1),
    *_FAULT,
)
"""What the port of fault management serves."""

_INVENTORY: tuple[Route, ...] = (
    ("GET",    "/v1/pci_devices",                   facts.every("pci_devices")),
    *(
        ("GET", f"/v1/{kind}/{{uuid}}",             facts.item(kind))
        for kind in COLLECTIONS
    ),
    *(
        ("GET", f"/v1/{of}/{{uuid}}/{kind}",        facts.part(kind, of))
        for of, kind in PARTS
    ),
    ("GET",    "/v1/iinterfaces/{uuid}/interface_networks", facts.networks_of_interface),
    ("GET",    "/v1/lldp_agents/{uuid}/tlvs",       facts.nothing("tlvs", "lldp_agents")),
    ("GET",    "/v1/lldp_neighbours/{uuid}/tlvs",   facts.nothing("tlvs", "lldp_neighbours")),
)
"""What sysinv-agents reported, by the uuids of its items."""

_STARLINGX: tuple[Route, ...] = (
    ("GET",    "/v1/apps",                          application.list_all),
    ("POST",   "/v1/apps",                          application.upload),
    ("GET",    "/v1/apps/{app}",                    application.get),
    ("PATCH",  "/v1/apps/{app}",                    application.direct),
    ("DELETE", "/v1/apps/{app}",                    application.remove),
    ("GET",    "/v1/kube_host_upgrades",            kubelet.list_all),
    ("GET",    "/v1/kube_host_upgrades/{host}",     kubelet.get),
    ("GET",    "/v1/kube_versions",                 kubelet.list_versions),
    ("GET",    "/v1/kube_versions/{version}",       kubelet.get_version),
    ("GET",    "/v1/servicegroup",                  service_group.list_all),
    ("GET",    "/v1/servicegroup/{uuid}",           service_group.get),
    ("POST",   "/v1/storage_ceph_rook",             empty.add_storage),
    *(("GET", path, empty.said(path)) for path in empty.FURTHER),
    *(("GET", f"/v1/{name}", empty.listed(name)) for name in empty.EMPTY),
    *(("GET", f"/v1/{name}/{{uuid}}", empty.shown(name)) for name in empty.EMPTY),
)
"""What StarlingX's clients ask a whole system for."""

_DESCRIBED: tuple[Route, ...] = (
    ("GET",    "/",                                 root.versions),
    ("GET",    "/v1",                               root.v1),
    ("GET",    "/v1/isystems",                      system.list_all),
    ("GET",    "/v1/isystems/{system}",             system.get),
    ("GET",    "/v1/ihosts",                        host.list_short),
    ("POST",   "/v1/ihosts",                        once(host.create)),
    ("GET",    "/v1/ihosts/detail",                 host.list_full),
    ("POST",   "/v1/ihosts/bulk_add",               host_bulk.add_all),
    ("GET",    "/v1/ihosts/bulk_export",            host_bulk.export),
    ("GET",    "/v1/ihosts/{host}",                 host.get),
    ("PATCH",  "/v1/ihosts/{host}",                 host.patch),
    ("DELETE", "/v1/ihosts/{host}",                 host.remove),
    ("GET",    "/v1/ihosts/{host}/addresses",       address.list_of_host),
    ("GET",    "/v1/ihosts/{host}/kernel",          facts.kernel),
    ("GET",    "/v1/ihosts/{host}/conditions",      condition.list_of_host),
    ("GET",    "/v1/ihosts/{host}/facts",           facts.get),
    ("GET",    "/v1/ihosts/{host}/labels",          label.list_of_host),
    ("GET",    "/v1/ihosts/{host}/history",         history.list_all),
    ("GET",    "/v1/ihosts/{host}/interface_networks", facts.networks_of_host),
    ("POST",   "/v1/ihosts/{host}/kube_upgrade_kubelet", kubelet.upgrade),
    ("POST",   "/v1/ihosts/{host}/vim",             host_audit.audit),
    ("GET",    "/v1/ihosts/{host}/trace",           trace.get),
    ("POST",   "/v1/ihosts/{host}/trace",           once(trace.create)),
    ("GET",    "/v1/ihosts/{host}/{collection}",    facts.collection),
    *_INVENTORY,
    ("GET",    "/v1/labels",                        label.list_all),
    ("GET",    "/v1/labels/detail",                 label.list_all),
    ("POST",   "/v1/labels/{host}",                 once(label.assign)),
    ("GET",    "/v1/labels/{label}",                label.get),
    ("DELETE", "/v1/labels/{label}",                label.remove),

    ("GET",    "/v1/networks",                      network.list_all),
    ("POST",   "/v1/networks",                      once(network.create)),
    ("GET",    "/v1/networks/{network}",            network.get),
    ("DELETE", "/v1/networks/{network}",            network.remove),
    ("GET",    "/v1/addrpools",                     address_pool.list_all),
    ("POST",   "/v1/addrpools",                     once(address_pool.create)),
    ("GET",    "/v1/addrpools/{pool}",              address_pool.get),
    ("PATCH",  "/v1/addrpools/{pool}",              address_pool.patch),
    ("DELETE", "/v1/addrpools/{pool}",              address_pool.remove),
    ("GET",    "/v1/network_addresspools",          network_addresspool.list_all),
    ("POST",   "/v1/network_addresspools",          once(network_addresspool.create)),
    ("GET",    "/v1/network_addresspools/{uuid}",   network_addresspool.get),
    ("DELETE", "/v1/network_addresspools/{uuid}",   network_addresspool.remove),
    ("GET",    "/v1/addresses",                     address.list_all),
    ("POST",   "/v1/addresses",                     once(address.create)),
    ("GET",    "/v1/addresses/{address}",           address.get),
    ("DELETE", "/v1/addresses/{address}",           address.remove),

    *_STARLINGX,
    *_FAULT,

    ("GET",    "/v1/runs",                          run.list_all),
    ("GET",    "/v1/runs/{run}",                    run.get),
    ("GET",    "/v1/runs/{run}/events",             run.events),
    ("GET",    "/v1/emns",                          emn.list_all),
    ("POST",   "/v1/emns",                          once(emn.create)),
    ("GET",    "/v1/emns/{emn}",                    emn.get),
    ("PATCH",  "/v1/emns/{emn}",                    emn.patch),
    ("DELETE", "/v1/emns/{emn}",                    emn.remove),
    ("GET",    "/v1/tunnels",                       tunnel.list_all),
    ("GET",    "/v1/tunnels/{host}",                tunnel.get),
    ("DELETE", "/v1/tunnels/{host}",                tunnel.revoke),
    ("POST",   "/v1/tunnels/{host}/claim",          once(tunnel.claim)),
    ("POST",   "/v1/tunnels/{host}/rotate",         once(tunnel.rotate)),
    ("GET",    "/v1/credentials",                   credential.list_all),
    ("POST",   "/v1/credentials",                   once(credential.create)),
    ("GET",    "/v1/credentials/{credential}",      credential.get),
    ("DELETE", "/v1/credentials/{credential}",      credential.remove),
    ("GET",    "/v1/heartbeats",                    heartbeat.list_all),
    ("GET",    "/v1/heartbeats/{host}",             heartbeat.get),
    ("GET",    "/v1/reconcilers",                   reconciler.list_all),
    ("GET",    "/v1/processes",                     process.list_all),
    ("DELETE", "/v1/processes/{process}",           process.remove),
    ("GET",    "/v1/firewall",                      firewall.list_all),
    ("GET",    "/v1/audit_log",                     audit_log.list_latest),
    ("GET",    "/v1/health",                        health.get),
    ("GET",    "/v1/health/kube-upgrade",           health.tell),
    ("GET",    "/v1/health/kube-upgrade/relaxed",   health.tell),
)
# fmt: on

ROUTES: tuple[Route, ...] = (
    *_DESCRIBED,
    ("GET", "/v1/openapi.json", openapi.describing(_DESCRIBED)),
)
"""All that this API serves."""
