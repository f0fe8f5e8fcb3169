"""What lies on disk: segments, tags, corrections, tables."""
