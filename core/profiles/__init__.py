"""The operator's rules as a typed profile, and the catalogue it starts."""
