"""The subcommands of `madoguchi`, one module a topic."""
