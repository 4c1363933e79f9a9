"""Load: many files in bursts under readers, many partitions at once, a day of arrivals.

Belongs here: `make load`, which measures and says what broke. Does not belong here: speed against
others (tests.speed_benchmark), faults (tests.faults).
"""
