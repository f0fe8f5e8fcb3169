"""What a collection knows, and its images, as files for other programs: one writer a format."""
