"""What comes in from the operator's old system and what is handed out: import, sample and demo data (row M12)."""
