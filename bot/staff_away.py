"""While the staff's messenger is away, urgent tickets reach staff by mail (dialogue-and-desk.md 1.5)."""

from bot.deployment import Bot
from bot.owing import Mail, owe_mail
from bot.saying import Why
from core.db import Tx
from core.teamchat.health import find_outage, list_unseen_urgent


def mail_urgent(tx: Tx, bot: Bot) -> int:
    """Once for each ticket and outage, to the profile's address; how many. Nothing of the member's words is in it."""
    outage, to = find_outage(tx), bot.profile.support.alert_email
    if outage is None or not to:
        return 0
    w = bot.wording(bot.profile.language)
    owed = 0
    for ticket in list_unseen_urgent(tx, outage):
        values = {
            "ticket_no": ticket.ticket_no,
            "since": outage.since,
            "url": f"{bot.public_url.rstrip('/')}/desk/tickets/{ticket.ticket_no}",
        }
        why = Why(
            "staff's messenger is away",
            kind="notice",
            ticket_id=ticket.ticket_id,
            dedupe_key=f"staff-away:{ticket.ticket_id}:{outage.since.isoformat()}",
        )
        mail = Mail(w("staff.away_subject", **values), w("staff.away_mail", **values))
        owed += owe_mail(tx, to=to, mail=mail, why=why) is not None
    return owed
