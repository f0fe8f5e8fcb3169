"""Image collections on disk: found, embedded, stored, searched, labelled."""
