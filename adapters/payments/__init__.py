"""`/m/pay/…`: our own page of an invoice, which leads to the provider's (row P2)."""
