"""Load tests: bursts of files while readers are active, many partitions at once, a day of arrivals.

Belongs here: `make load`, which measures and reports failures. Does not belong here: comparison of
speed (tests.speed_benchmark), faults (tests.faults).
"""
