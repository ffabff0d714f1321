# SPDX-License-Identifier: Apache-2.0
"""The tables; nothing else. The migrations add up to exactly these (a test compares).

No text that is stored holds what a terminal would obey: see the types of `db.table`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
)

from hummingbird.db.model_address import ADDRESS as ADDRESS
from hummingbird.db.model_address import ADDRESS_POOL as ADDRESS_POOL
from hummingbird.db.model_attention import ATTENTION as ATTENTION
from hummingbird.db.model_attention import VERDICT as VERDICT
from hummingbird.db.model_condition import HOST_CONDITION as HOST_CONDITION
from hummingbird.db.model_condition import NEIGHBOUR_CONDITION as NEIGHBOUR_CONDITION
from hummingbird.db.model_hearing import AGENT_SESSION as AGENT_SESSION
from hummingbird.db.model_hearing import HEARTBEAT as HEARTBEAT
from hummingbird.db.model_process import EMN_LINK as EMN_LINK
from hummingbird.db.model_process import LEASE as LEASE
from hummingbird.db.model_process import LINK as LINK
from hummingbird.db.model_process import PROCESS as PROCESS
from hummingbird.db.table import METADATA as METADATA
from hummingbird.db.table import PlainJson as JSON
from hummingbird.db.table import PlainString as String
from hummingbird.db.table import PlainText as Text
from hummingbird.db.table import UtcDateTime
from hummingbird.db.table import table as _table

CREDENTIAL = _table(
    "credential",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("user", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("become", Boolean, nullable=False),
    Column("private_key_sealed", Text),
    Column("password_sealed", Text),
    Column("become_password_sealed", Text),
    Column(
        "password_on_first_contact",
        Boolean,
        nullable=False,
        server_default=false(),
    ),
    Column("created_at", UtcDateTime, nullable=False),
)

EMN = _table(
    "emn",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("cidr", String(64), nullable=False, unique=True),
    Column("attachment", String(32), nullable=False),
    Column("site", String(63), nullable=False),
    Column("credential_id", ForeignKey("credential.id")),
    Column("gateway", String(63)),
    Column("mtu", Integer),
    Column("vni", Integer, unique=True, index=True),
    Column("lan_interface", String(15)),
    Column("dynamic", Boolean, nullable=False, server_default=false()),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcDateTime, nullable=False),
)

HOST = _table(
    "host",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("hostname", String(63), nullable=False, unique=True),
    Column("mgmt_mac", String(17), nullable=False, unique=True),
    Column("mgmt_ip", String(45), unique=True),
    Column("underlay", String(45), unique=True, index=True),
    Column("emn_id", ForeignKey("emn.id"), index=True),
    Column("credential_id", ForeignKey("credential.id")),
    Column("state", String(32), nullable=False, index=True),
    Column("state_since", UtcDateTime, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("task", String(63)),
    Column("action", String(32)),
    Column("provisioned_plan", String(64)),
    Column("plan_basis", String(64)),
    Column("target_plan", String(64)),
    Column("progress", String(16)),
    Column("touched", Boolean, nullable=False, server_default=false()),
    Column("known_hosts", Text),
    Column("reservation_owner", String(128), index=True),
    Column("reservation_purpose", String(64)),
    Column("reserved_at", UtcDateTime),
    Column("online", Boolean, nullable=False, server_default=false(), index=True),
    Column("powered_off", Boolean, nullable=False, server_default=false()),
    Column("kubelet_version", String(32)),
    Column("node_uid", String(36)),
    Column("boot_id", String(36)),
    Column("inventoried", Boolean, nullable=False, server_default=false()),
    Column("uptime_seconds", Integer, nullable=False, server_default="0"),
    Column("serialid", String(255)),
    Column("location", JSON, nullable=False),
    Column("capabilities", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
)

APPLICATION = Table(
    "application",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("app_version", String(63), nullable=False),
    Column("status", String(32), nullable=False),
    Column("progress", String(255)),
    Column("changed_at", UtcDateTime, nullable=False),
)

LABEL = _table(
    "label",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), nullable=False),
    Column("label_key", String(317), nullable=False),
    Column("label_value", String(63), nullable=False),
    UniqueConstraint("host_id", "label_key"),
)

IDEMPOTENCY = _table(
    "idempotency",
    Column("digest", String(64), nullable=False, unique=True),
    Column("answer_sealed", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)
"""Answers to requests that may come again, by who sent which key."""

DEPLOYMENT = Table(
    "deployment",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("content", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""What the controllers share, sealed with the key that each of them has in a file."""

HUB = Table(
    "hub",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("private_key_sealed", Text, nullable=False),
    Column("public_key", String(44), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""One row: the key of the hub, the same at every controller."""

TUNNEL = _table(
    "tunnel",
    Column("uuid", String(36), nullable=False, unique=True),
    Column(
        "host_id",
        ForeignKey("host.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("address", String(45), nullable=False, unique=True),
    Column("public_key", String(44), unique=True),
    Column("next_key", String(44), unique=True),
    Column("claim_key", String(44), unique=True),
    Column("claim_until", UtcDateTime),
    Column("rotated_at", UtcDateTime),
    Column("endpoint", String(64)),
    Column("handshake_at", UtcDateTime),
    Column("received_bytes", BigInteger, nullable=False, server_default="0"),
    Column("sent_bytes", BigInteger, nullable=False, server_default="0"),
    Column("keepalive_seconds", Integer, nullable=False, server_default="0"),
    Column("controller", String(128)),
    Column("stamp", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
)
"""`stamp`: another number with each change of what the hub has to do with it."""

RUN = _table(
    "run",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("host_uuid", String(36), nullable=False, index=True),
    Column("hostname", String(63), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("state", String(32), nullable=False, index=True),
    Column("requested_by", String(255), nullable=False),
    Column("rung", String(32)),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(128), index=True),
    Column("current_step", String(32)),
    Column("changed", Integer),
    Column("error_code", String(128)),
    Column("error", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Column("instruction_step", String(32)),
    Column("instruction_boot_id", String(36)),
    Column("instruction_at", UtcDateTime),
    Column("instruction_clock", Float),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
)

RUN_EVENT = _table(
    "run_event",
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("step", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("task", String(255)),
    Column("message", Text, nullable=False),
    Column("duration_seconds", Float),
    Index("ix_run_event_run_id_id", "run_id", "id"),
)

FACTS = Table(
    "facts",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    Column("stream", String(36)),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    Column("reported_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

FACTS_SECTION = Table(
    "facts_section",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""The parts of what a host's agent says, so that a change costs what it changes."""

FACTS_ITEM = Table(
    "facts_item",
    METADATA,
    Column("uuid", String(36), primary_key=True),
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), nullable=False),
    Column("section", String(32), nullable=False),
    Index("ix_facts_item_host_id_section", "host_id", "section"),
)
"""Where to look for the CPU, disk, port… that a client names by its uuid."""

FACTS_CHANGE = _table(
    "facts_change",
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), nullable=False),
    Column("section", String(32), nullable=False),
    Column("item", String(255), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_facts_change_host_id_id", "host_id", "id"),
)

ALARM = _table(
    "alarm",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("alarm_id", String(32), nullable=False),
    Column("entity_type_id", String(255), nullable=False),
    Column("entity_instance_id", String(255), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("reason_text", String(255), nullable=False),
    Column("alarm_type", String(64), nullable=False),
    Column("probable_cause", String(64), nullable=False),
    Column("proposed_repair_action", String(512), nullable=False),
    Column("service_affecting", Boolean, nullable=False),
    Column("suppression", Boolean, nullable=False),
    Column("mgmt_affecting", Boolean, nullable=False),
    Column("degrade_affecting", Boolean, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
    Column("posted", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("alarm_id", "entity_instance_id"),
)

EVENT_SUPPRESSION = _table(
    "event_suppression",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("alarm_id", String(32), nullable=False, unique=True),
    Column("description", String(255), nullable=False),
    Column("suppressed", Boolean, nullable=False, server_default=false()),
)
"""One row for each alarm id of the catalogue."""

EVENT_LOG = _table(
    "event_log",
    Column("uuid", String(36), nullable=False, unique=True),
    Column("event_log_id", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("entity_type_id", String(255), nullable=False),
    Column("entity_instance_id", String(255), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("severity", String(16), nullable=False),
    Column("reason_text", String(255), nullable=False),
    Column("event_log_type", String(64), nullable=False),
    Column("probable_cause", String(64), nullable=False),
    Column("proposed_repair_action", String(512), nullable=False),
    Column("service_affecting", Boolean, nullable=False),
    Column("suppression", Boolean, nullable=False),
)

FAULT_OUTBOX = _table(
    "fault_outbox",
    Column("kind", String(16), nullable=False),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("alarm_id", String(32), nullable=False),
    Column("entity_instance_id", String(255), nullable=False),
    Column("body", JSON, nullable=False),
    Column("refusals", Integer, nullable=False, server_default="0"),
)
"""What a fault management elsewhere has not been told yet, by id in order."""

AUDIT_LOG = _table(
    "audit_log",
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("request_id", String(64), nullable=False),
    Column("user", String(255), nullable=False),
    Column("user_id", String(64)),
    Column("project", String(255)),
    Column("roles", Text, nullable=False),
    Column("source", String(64), nullable=False),
    Column("method", String(16), nullable=False),
    Column("path", String(512), nullable=False),
    Column("asked", Text),
    Column("status", Integer, nullable=False),
)
"""Requests that would change something, and what came of them."""

HOST_TRACE = Table(
    "host_trace",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("body", JSON, nullable=False),
)
"""Where the path to a host ends; one a host, the last that was asked for."""

BOARD = Table(
    "board",
    METADATA,
    Column("host_id", ForeignKey("host.id", ondelete="CASCADE"), primary_key=True),
    Column("answered_at", UtcDateTime),
    Column("away_since", UtcDateTime, index=True),
    Column("reason", Text),
)
"""Whether the board management controller of a host lets us in; away_since is null where it
does, or where that is not known yet."""

SCHEMA_FLOOR = Table(
    "schema_floor",
    METADATA,
    Column("revision", String(32), primary_key=True),
)
"""One row: the oldest revision whose processes may work on this schema."""

SYSTEM = Table(
    "system",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("uuid", String(36), nullable=False),
    Column("name", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""One row: this system, as isystem_uuid of every host."""
