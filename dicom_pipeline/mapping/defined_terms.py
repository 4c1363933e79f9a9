"""Values that the standard defines for a code: anybody may see them.

Belongs here: reading the seed. Does not belong here: what is done with other values.
"""

from __future__ import annotations

import csv

from dicom_pipeline.config.project import DBT_PROJECT_DIR

_SEED = DBT_PROJECT_DIR / "seeds" / "defined_terms.csv"


def defined_terms(attribute: str) -> frozenset[str]:
    """The defined terms of an attribute, by its keyword (PS3.3)."""
    with _SEED.open(newline="") as lines:
        return frozenset(
            line["term"] for line in csv.DictReader(lines) if line["attribute"] == attribute
        )
