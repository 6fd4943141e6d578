"""rows that a timed job could not do are set aside; indexes for chats with a person and for forms under way"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HUMAN = sa.text("speaker = 'human'")
LIVE = sa.text("state IN ('active', 'parked')")


def upgrade() -> None:
    """One table, two partial indexes."""
    op.create_table(
        "set_aside",
        sa.Column("job", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=80), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("next_try_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("job", "subject_id", name=op.f("pk_set_aside")),
    )
    op.create_index("ix_chat_human", "chat", ["speaker"], sqlite_where=HUMAN, postgresql_where=HUMAN)
    op.create_index("ix_form_run_live", "form_run", ["state", "touched_at"], sqlite_where=LIVE, postgresql_where=LIVE)


def downgrade() -> None:
    """Back to the state before."""
    op.drop_index("ix_form_run_live", table_name="form_run")
    op.drop_index("ix_chat_human", table_name="chat")
    op.drop_table("set_aside")
