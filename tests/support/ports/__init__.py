"""What a member can do at the counter, written once for all doors; and what it must leave behind in the database."""
