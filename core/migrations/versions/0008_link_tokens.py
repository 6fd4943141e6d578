"""one-time tokens that connect a chat with a membership: deep links, LINE's account link"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    op.create_table(
        "link_token",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_link_token_token_hash")),
    )
    op.create_index("ix_link_token_member_id", "link_token", ["member_id", "created_at"])


def downgrade() -> None:
    """Back to the state before."""
    op.drop_index("ix_link_token_member_id", table_name="link_token")
    op.drop_table("link_token")
