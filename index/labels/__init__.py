"""Classifiers, calibration, corrections and ground truth."""
