"""Verify, repair, remove, export and import."""
