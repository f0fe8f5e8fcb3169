"""What people and cameras said of an image, as columns of one name and unit wherever it was written."""
