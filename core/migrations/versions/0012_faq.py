"""frequent questions and their answers, and who said that one helped"""

import sqlalchemy as sa
from alembic import op

from core.statements import Instant, Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, and the index by which the newest solved tickets are found."""
    op.create_table(
        "faq_article",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question_ja", sa.String(length=80), nullable=False),
        sa.Column("question_en", sa.String(length=80), nullable=False),
        sa.Column("answer_ja", sa.Text(), nullable=False),
        sa.Column("answer_en", sa.Text(), nullable=False),
        sa.Column("keywords", Json(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("helped", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faq_article")),
        sa.UniqueConstraint("code", name=op.f("uq_faq_article_code")),
    )
    op.create_table(
        "faq_help",
        sa.Column("press_key", sa.String(length=80), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("press_key", name=op.f("pk_faq_help")),
    )
    op.create_index(
        "ix_ticket_solved_at",
        "ticket",
        ["solved_at"],
        sqlite_where=sa.text("solved_at IS NOT NULL"),
        postgresql_where=sa.text("solved_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Back to the state before."""
    op.drop_index("ix_ticket_solved_at", table_name="ticket")
    op.drop_table("faq_help")
    op.drop_table("faq_article")
