"""Copies of images: which rows are one image, which are shots of one scene, and which of them is best."""
