"""One command, one file: what it may be asked for, one call into the library, its answer in words or JSON."""
