"""python -m training: one command a file, its options, one call into the library, its output as text or JSON."""
