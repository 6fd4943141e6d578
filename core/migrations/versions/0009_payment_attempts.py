"""attempts at a payment provider, money it gave back, addresses of payment pages"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant, Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('created', 'open', 'pending')")


def upgrade() -> None:
    """Three tables; a payment knows what of it was given back."""
    with op.batch_alter_table("payment") as table:
        table.add_column(sa.Column("returned_yen", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "pay_link",
        sa.Column("invoice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_pay_link_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_pay_link")),
        sa.UniqueConstraint("token", name=op.f("uq_pay_link_token")),
    )
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("session_ref", sa.String(length=120), nullable=True),
        sa.Column("payment_ref", sa.String(length=80), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("numbers", Json(), nullable=False),
        sa.Column("look_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_attempt_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempt")),
    )
    op.create_index("ix_payment_attempt_invoice_id", "payment_attempt", ["invoice_id"])
    op.create_index("ix_payment_attempt_session", "payment_attempt", ["provider", "session_ref"])
    op.create_index("ix_payment_attempt_payment", "payment_attempt", ["provider", "payment_ref"])
    op.create_index("ix_payment_attempt_live", "payment_attempt", ["look_at"], sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_table(
        "payment_return",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("payment_ref", sa.String(length=80), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_return")),
        sa.UniqueConstraint("provider", "reference", name=op.f("uq_payment_return_provider_reference")),
    )
    op.create_index("ix_payment_return_payment", "payment_return", ["provider", "payment_ref"])


def downgrade() -> None:
    """Back to the state before."""
    for gone in ("payment_return", "payment_attempt", "pay_link"):
        op.drop_table(gone)
    with op.batch_alter_table("payment") as table:
        table.drop_column("returned_yen")
