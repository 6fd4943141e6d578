"""What came (inbox), what is owed (outbox), who works on it (leases), and the files that travel with both."""
