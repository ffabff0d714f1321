# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("alarm_id", sa.String(length=32), nullable=False),
        sa.Column("entity_type_id", sa.String(length=255), nullable=False),
        sa.Column("entity_instance_id", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("reason_text", sa.String(length=255), nullable=False),
        sa.Column("alarm_type", sa.String(length=64), nullable=False),
        sa.Column("probable_cause", sa.String(length=64), nullable=False),
        sa.Column("proposed_repair_action", sa.String(length=512), nullable=False),
        sa.Column("service_affecting", sa.Boolean(), nullable=False),
        sa.Column("suppression", sa.Boolean(), nullable=False),
        sa.Column("mgmt_affecting", sa.Boolean(), nullable=False),
        sa.Column("degrade_affecting", sa.Boolean(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint(
            "alarm_id",
            "entity_instance_id",
            name=op.f("uq_alarm_alarm_id_entity_instance_id"),
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_alarm_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("become", sa.Boolean(), nullable=False),
        sa.Column("private_key_sealed", sa.Text(), nullable=True),
        sa.Column("password_sealed", sa.Text(), nullable=True),
        sa.Column("become_password_sealed", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("name", name=op.f("uq_credential_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_credential_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event_log",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("event_log_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("entity_type_id", sa.String(length=255), nullable=False),
        sa.Column("entity_instance_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("reason_text", sa.String(length=255), nullable=False),
        sa.Column("event_log_type", sa.String(length=64), nullable=False),
        sa.Column("probable_cause", sa.String(length=64), nullable=False),
        sa.Column("proposed_repair_action", sa.String(length=512), nullable=False),
        sa.Column("service_affecting", sa.Boolean(), nullable=False),
        sa.Column("suppression", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_log")),
        sa.UniqueConstraint("uuid", name=op.f("uq_event_log_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_log_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_event_log_entity_instance_id"),
            ["entity_instance_id"],
            unique=False,
        )

    op.create_table(
        "link",
        sa.Column("controller", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("up_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("controller", "name", name=op.f("pk_link")),
    )
    op.create_table(
        "process",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("incarnation", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
        sa.UniqueConstraint("name", name=op.f("uq_process_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("host_uuid", sa.String(length=36), nullable=False),
        sa.Column("hostname", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=False),
        sa.Column("rung", sa.String(length=32), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("current_step", sa.String(length=32), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=128), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_run_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_host_uuid"), ["host_uuid"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_run_hostname"), ["hostname"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_owner"), ["owner"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_state"), ["state"], unique=False)

    op.create_table(
        "system",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system")),
    )
    op.create_table(
        "emn",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("cidr", sa.String(length=64), nullable=False),
        sa.Column("attachment", sa.String(length=32), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("credential_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_emn_credential_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emn")),
        sa.UniqueConstraint("cidr", name=op.f("uq_emn_cidr")),
        sa.UniqueConstraint("name", name=op.f("uq_emn_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_emn_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("task", sa.String(length=255), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_event_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("run_event", schema=None) as batch_op:
        batch_op.create_index("ix_run_event_run_id_id", ["run_id", "id"], unique=False)

    op.create_table(
        "host",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("hostname", sa.String(length=63), nullable=False),
        sa.Column("mgmt_mac", sa.String(length=17), nullable=False),
        sa.Column("mgmt_ip", sa.String(length=45), nullable=True),
        sa.Column("emn_id", sa.Integer(), nullable=True),
        sa.Column("credential_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=63), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=True),
        sa.Column("provisioned_plan", sa.String(length=64), nullable=True),
        sa.Column("touched", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("known_hosts", sa.Text(), nullable=True),
        sa.Column("reservation_owner", sa.String(length=128), nullable=True),
        sa.Column("reservation_purpose", sa.String(length=64), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("online", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("boot_id", sa.String(length=36), nullable=True),
        sa.Column("uptime_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("serialid", sa.String(length=255), nullable=True),
        sa.Column("location", sa.JSON(), nullable=False),
        sa.Column("capabilities", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_host_credential_id")
        ),
        sa.ForeignKeyConstraint(["emn_id"], ["emn.id"], name=op.f("fk_host_emn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host")),
        sa.UniqueConstraint("hostname", name=op.f("uq_host_hostname")),
        sa.UniqueConstraint("mgmt_ip", name=op.f("uq_host_mgmt_ip")),
        sa.UniqueConstraint("mgmt_mac", name=op.f("uq_host_mgmt_mac")),
        sa.UniqueConstraint("uuid", name=op.f("uq_host_uuid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_host_emn_id"), ["emn_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_host_reservation_owner"), ["reservation_owner"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_host_state"), ["state"], unique=False)

    op.create_table(
        "agent_session",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=32), nullable=False),
        sa.Column("node_uid", sa.String(length=36), nullable=False),
        sa.Column("pod_uid", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f("fk_agent_session_host_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_session")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("agent_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agent_session_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            "ix_agent_session_host_id_agent", ["host_id", "agent"], unique=False
        )

    op.create_table(
        "facts",
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"], ["host.id"], name=op.f("fk_facts_host_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_facts")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("last_heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_seconds", sa.Float(), nullable=False),
        sa.Column("boot_id", sa.String(length=36), nullable=False),
        sa.Column("uptime_seconds", sa.Integer(), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name=op.f("fk_heartbeat_host_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_heartbeat")),
    )
