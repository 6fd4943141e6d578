"""Which service listens to which fact: the one table. Listeners run in the transaction that emitted the fact."""

from core.db import Listeners

LISTENERS: Listeners = {}
