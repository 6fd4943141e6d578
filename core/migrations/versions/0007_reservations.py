"""reservations, requests about them, their contact history"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Five tables."""
    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reservation_no", sa.String(length=40), nullable=False),
        sa.Column("external_key", sa.String(length=80), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("facility_code", sa.String(length=40), nullable=False),
        sa.Column("category_code", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("used_from", sa.Time(), nullable=True),
        sa.Column("used_until", sa.Time(), nullable=True),
        sa.Column("purpose", sa.String(length=300), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.Column("booked_at", Instant(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("amount_yen", sa.BigInteger(), nullable=True),
        sa.Column("payment_method", sa.String(length=60), nullable=False),
        sa.Column("payment_due_on", sa.Date(), nullable=True),
        sa.Column("payment_state", sa.String(length=8), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_phone", sa.String(length=30), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("billing_name", sa.String(length=200), nullable=False),
        sa.Column("billing_postal_code", sa.String(length=10), nullable=False),
        sa.Column("billing_address", sa.String(length=300), nullable=False),
        sa.Column("billing_email", sa.String(length=254), nullable=False),
        sa.Column("imported", Json(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_reservation_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("external_key", name=op.f("uq_reservation_external_key")),
        sa.UniqueConstraint("reservation_no", name=op.f("uq_reservation_reservation_no")),
    )
    op.create_index("ix_reservation_member_id", "reservation", ["member_id", "booked_at", "id"])
    op.create_index("ix_reservation_facility_code", "reservation", ["facility_code", "used_on"])
    op.create_index("ix_reservation_booked_at", "reservation", ["booked_at", "id"])
    _create_requests()
    op.create_table(
        "reservation_entry",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author", sa.String(length=6), nullable=False),
        sa.Column("author_name", sa.String(length=100), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("wanted", Json(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_reservation_entry_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation_entry")),
    )
    op.create_index("ix_reservation_entry_reservation_id", "reservation_entry", ["reservation_id", "id"])
    op.create_table(
        "reservation_ticket",
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("linked_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_reservation_ticket_reservation_id")
        ),
        sa.PrimaryKeyConstraint("reservation_id", "ticket_id", name=op.f("pk_reservation_ticket")),
    )
    op.create_index("ix_reservation_ticket_ticket_id", "reservation_ticket", ["ticket_id"])
    op.create_table(
        "facility_lock",
        sa.Column("facility_code", sa.String(length=40), nullable=False),
        sa.Column("touched_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("facility_code", name=op.f("pk_facility_lock")),
    )


def _create_requests() -> None:
    op.create_table(
        "reservation_request",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("wanted", Json(), nullable=False),
        sa.Column("before", Json(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_reservation_request_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation_request")),
    )
    op.create_index("ix_reservation_request_reservation_id", "reservation_request", ["reservation_id", "id"])
    op.create_index("ix_reservation_request_ticket_id", "reservation_request", ["ticket_id"])
    op.create_index(
        "uq_reservation_request_open",
        "reservation_request",
        ["reservation_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    """Back to the state before."""
    for table in (
        "facility_lock", "reservation_ticket", "reservation_entry", "reservation_request", "reservation",
    ):  # fmt: skip
        op.drop_table(table)
