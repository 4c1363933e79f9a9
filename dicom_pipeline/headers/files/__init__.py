"""Open files as the readers see them: buffered, cached, inflated, repaired."""
