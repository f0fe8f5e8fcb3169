"""The one training loop: it knows no method."""
