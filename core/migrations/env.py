"""Alembic's entry: runs the migrations on the connection that `core.migrate` hands in."""

from alembic import context

from core.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
