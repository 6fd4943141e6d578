"""All tables in one place: what migrations are compared with."""

from sqlalchemy import MetaData

import core.billing.tables
import core.bookings.tables
import core.contracts.tables
import core.delivery.tables
import core.dialogue.tables
import core.members.tables
import core.profiles.tables
import core.reminders.tables
import core.teamchat.tables
import core.tickets.tables  # noqa: F401 - importing the modules is what declares the tables
from core.statements import Base

METADATA: MetaData = Base.metadata
