"""when half of a ticket's time is over; the day's thread with one person of staff"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column, a table. Clocks that run get their half time with the ticket's next event."""
    with op.batch_alter_table("ticket_clock") as table:
        table.add_column(sa.Column("half_at", Instant(), nullable=True))
    there = sa.text("half_at IS NOT NULL")
    op.create_index("ix_ticket_clock_half_at", "ticket_clock", ["half_at"], sqlite_where=there, postgresql_where=there)
    op.create_table(
        "team_direct",
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("root_ref", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("team", "user", "day", name=op.f("pk_team_direct")),
    )


def downgrade() -> None:
    """Back to the state before."""
    op.drop_table("team_direct")
    op.drop_index("ix_ticket_clock_half_at", table_name="ticket_clock")
    with op.batch_alter_table("ticket_clock") as table:
        table.drop_column("half_at")
