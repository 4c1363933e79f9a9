"""Code that every layer uses: errors, locks, private files, escaping, AWS clients."""
