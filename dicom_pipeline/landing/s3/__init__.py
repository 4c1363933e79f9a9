"""S3 bucket as landing zone: listing, event notifications, range requests, conditional writes."""
