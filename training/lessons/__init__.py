"""Lessons: the lecture's sections as small computations on real tensors, by the project's own methods and probes.

lessons.toml says what each lesson shows and what can be moved; a file beside it computes it, on demand.
"""

from training.lessons.lesson import LESSONS

__all__ = ["LESSONS"]
