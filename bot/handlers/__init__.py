"""What the bot can do, one module a topic. Importing this package registers every handler and form."""

from bot.handlers import basics, contracts, invoices, linking, reports, settings, tickets

__all__ = ["basics", "contracts", "invoices", "linking", "reports", "settings", "tickets"]
