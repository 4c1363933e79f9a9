"""An S3 bucket as landing zone: listing, events, ranged reads, conditional writes."""
