"""Alembic's entry: runs the migrations on the connection that `core.migrate` hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from core.schema import METADATA
from core.statements import Instant, Json


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Our own column types by their names; everything else as Alembic does."""
    if kind == "type" and isinstance(item, Instant | Json):
        return f"{type(item).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
