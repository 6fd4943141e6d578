"""The Slack desk: one thread for each ticket, internal by default. Imported only when Slack is configured."""
