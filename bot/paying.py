"""How an invoice can be paid online at this deployment, for screens and mails."""

from bot.deployment import Bot
from bot.screens.paying import Paying
from core.billing.attempts import ensure_pay_token, find_pending, list_payable
from core.billing.invoices import InvoiceView
from core.db import Tx

PATH = "/m/pay/"


def how_to_pay(tx: Tx, bot: Bot, invoice: InvoiceView) -> Paying:
    """Our own link, never the provider's: it makes or reuses the provider's page when pressed, so it is never stale (P2)."""
    methods = list_payable(bot.profile, bot.online, invoice)
    pending = find_pending(tx, invoice_id=invoice.id) if invoice.status == "open" else None
    if not methods and pending is None:
        return Paying()
    return Paying(f"{bot.public_url}{PATH}{ensure_pay_token(tx, invoice_id=invoice.id)}", methods, pending)
