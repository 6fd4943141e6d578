"""What decides and remembers: pure policies, use cases, and the tables they stand on."""
