"""Parity of two revisions: the same requests through every door."""
