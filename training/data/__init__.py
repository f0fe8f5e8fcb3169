"""Images and what is known about them, from every kind of place they are kept."""
