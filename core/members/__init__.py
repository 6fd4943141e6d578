"""Members, their chat links, staff and roles, the audit trail."""
