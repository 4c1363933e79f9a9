"""Clients of AWS, conditional writes, and a raw zone that machines share. Knows no tables."""
