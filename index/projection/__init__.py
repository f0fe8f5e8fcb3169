"""Two-dimensional maps of a collection."""
