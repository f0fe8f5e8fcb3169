"""Planning what is new, changed or gone, and publishing it."""
