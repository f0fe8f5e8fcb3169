"""Encoders by name, and what they are made of; serving imports this and nothing else of training but data."""
