"""the staff's messenger: who staff are there, threads of tickets, posts, answers on their way"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HELD = sa.text("state = 'held'")


def upgrade() -> None:
    """Four tables."""
    op.create_table(
        "staff_identity",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_identity_staff_id")),
        sa.PrimaryKeyConstraint("channel", "team", "user", name=op.f("pk_staff_identity")),
        sa.UniqueConstraint("staff_id", "channel", name=op.f("uq_staff_identity_staff_id_channel")),
    )
    op.create_table(
        "team_thread",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("root_ref", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("shown_revision", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.String(length=64), nullable=False),
        sa.Column("painted_at", Instant(), nullable=True),
        sa.Column("claimed_at", Instant(), nullable=True),
        sa.Column("seen_ref", sa.String(length=32), nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_team_thread")),
        sa.UniqueConstraint("place", "root_ref", name=op.f("uq_team_thread_place_root_ref")),
    )
    op.create_index("ix_team_thread_open", "team_thread", ["open", "read_at"])
    op.create_table(
        "team_post",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("file_refs", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_post")),
    )
    op.create_index("ix_team_post_ticket_id", "team_post", ["ticket_id", "id"])
    op.create_index("ix_team_post_ref", "team_post", ["place", "ref"])
    op.create_index("ix_team_post_message_id", "team_post", ["message_id"])
    op.create_table(
        "team_release",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("source_key", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("seen_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_release")),
        sa.UniqueConstraint("source_key", name=op.f("uq_team_release_source_key")),
    )
    op.create_index("ix_team_release_waiting", "team_release", ["due_at"], sqlite_where=HELD, postgresql_where=HELD)
    op.create_index("ix_team_release_ticket_id", "team_release", ["ticket_id", "id"])


def downgrade() -> None:
    """Back to the state before."""
    for gone in ("team_release", "team_post", "team_thread", "staff_identity"):
        op.drop_table(gone)
