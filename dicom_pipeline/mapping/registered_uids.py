"""The seed ``registered_uids.csv``: UIDs of the standard (PS3.6, Annex A), and those of the site.

Belongs here: reading the seed.
Does not belong here: the treatment of other UIDs.
"""

from __future__ import annotations

import csv
from functools import cache

from dicom_pipeline.config.project import DBT_PROJECT_DIR

REGISTERED_UIDS_CSV = DBT_PROJECT_DIR / "seeds" / "registered_uids.csv"


@cache
def registered_uids() -> frozenset[str]:
    """Return the UIDs that name a class, a transfer syntax or another object of the standard."""
    with REGISTERED_UIDS_CSV.open(newline="", encoding="utf-8") as lines:
        return frozenset(line["uid"] for line in csv.DictReader(lines))
