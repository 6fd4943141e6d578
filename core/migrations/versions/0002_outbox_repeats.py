"""an index for the metrics: sends that were repeated, without reading the whole outbox"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only rows that were repeated are in it: it stays small however much was sent."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_repeats",
            ["repeats"],
            unique=False,
            sqlite_where=sa.text("repeats > 0"),
            postgresql_where=sa.text("repeats > 0"),
        )


def downgrade() -> None:
    """Back to the state before."""
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_repeats", sqlite_where=sa.text("repeats > 0"), postgresql_where=sa.text("repeats > 0")
        )
