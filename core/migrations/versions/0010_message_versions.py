"""what an entry of a ticket said before it was changed"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    op.create_table(
        "ticket_message_version",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("new_body", sa.Text(), nullable=False),
        sa.Column("change", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=24), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_message_version")),
    )
    op.create_index("ix_ticket_message_version_message_id", "ticket_message_version", ["message_id"])


def downgrade() -> None:
    """Back to the state before."""
    op.drop_table("ticket_message_version")
