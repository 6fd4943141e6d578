"""Reservations of facilities and of work (予約): what was booked, and requests to change or cancel it (rows F1 to F5)."""
