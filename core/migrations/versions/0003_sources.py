"""where files and requests for a code came from, as keyed hashes: limits by network address"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New columns are empty: what came before is not counted."""
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source_hash", sa.String(length=64), nullable=True))
        batch_op.drop_index("ix_stored_file_chat_id")
        batch_op.create_index("ix_stored_file_chat_id", ["chat_id", "created_at"], unique=False)
        batch_op.create_index("ix_stored_file_source_hash", ["source_hash", "created_at"], unique=False)
    with op.batch_alter_table("link_code", schema=None) as batch_op:
        batch_op.add_column(sa.Column("network_hash", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_link_code_network_hash", ["network_hash", "created_at"], unique=False)


def downgrade() -> None:
    """Back to the state before."""
    with op.batch_alter_table("link_code", schema=None) as batch_op:
        batch_op.drop_index("ix_link_code_network_hash")
        batch_op.drop_column("network_hash")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index("ix_stored_file_source_hash")
        batch_op.drop_index("ix_stored_file_chat_id")
        batch_op.create_index("ix_stored_file_chat_id", ["chat_id"], unique=False)
        batch_op.drop_column("source_hash")
