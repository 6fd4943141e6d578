"""tickets: clocks, priority, snooze, origin and fields of their kind, silence, ratings, prepared answers"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANTS = (
    "snoozed_until", "due_at", "member_wrote_at", "replied_at", "silence_at", "silence_told_at", "away_told_at",
)  # fmt: skip


def _partial(name: str, table: str, column: str) -> None:
    there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)


def upgrade() -> None:
    """Columns of the ticket, four tables. Tickets that are there get clocks with their next event."""
    with op.batch_alter_table("ticket") as table:
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("priority", sa.String(length=6), nullable=False, server_default="normal"))
        table.add_column(sa.Column("origin", sa.String(length=16), nullable=False, server_default="form"))
        table.add_column(sa.Column("details", sa.Text(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("due_for", sa.String(length=12), nullable=True))
        for name in INSTANTS:
            table.add_column(sa.Column(name, Instant(), nullable=True))
    op.execute("UPDATE ticket SET replied_at = answered_at, member_wrote_at = created_at")
    _partial("ix_ticket_silence_at", "ticket", "silence_at")
    _partial("ix_ticket_snoozed_until", "ticket", "snoozed_until")
    op.create_table(
        "ticket_clock",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clock", sa.String(length=10), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("used_seconds", sa.BigInteger(), nullable=False),
        sa.Column("from_at", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("soon_at", Instant(), nullable=True),
        sa.Column("late_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "clock", name=op.f("pk_ticket_clock")),
    )
    _partial("ix_ticket_clock_soon_at", "ticket_clock", "soon_at")
    _partial("ix_ticket_clock_late_at", "ticket_clock", "late_at")
    op.create_table(
        "ticket_composing",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "staff_id", name=op.f("pk_ticket_composing")),
    )
    op.create_table(
        "ticket_rating",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("rated_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_rating")),
    )
    op.create_table(
        "canned_reply",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("text_ja", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("title", name=op.f("uq_canned_reply_title")),
    )


def downgrade() -> None:
    """Back to the state before."""
    for gone in ("canned_reply", "ticket_rating", "ticket_composing", "ticket_clock"):
        op.drop_table(gone)
    op.drop_index("ix_ticket_snoozed_until", table_name="ticket")
    op.drop_index("ix_ticket_silence_at", table_name="ticket")
    with op.batch_alter_table("ticket") as table:
        for name in (*INSTANTS, "due_for", "details", "origin", "priority", "revision"):
            table.drop_column(name)
