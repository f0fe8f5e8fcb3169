"""What a lesson may take when the page asks for it."""

IDLE = 300.0  # seconds without a request, after which the process ends
MEMORY = 2.0  # gigabytes
TIMEOUT = 90.0  # seconds for all of a lesson; app/state/lessons.py keeps it
