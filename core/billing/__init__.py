"""Invoices, payments, payment reports, the ledger. Billing does not know contracts: a line carries a `source_key`."""
