"""The seed ``defined_terms.csv``: values that the standard defines, which identify no patient.

Belongs here: reading the seed.
Does not belong here: the treatment of other values.
"""

from __future__ import annotations

import csv

from dicom_pipeline.config.project import DBT_PROJECT_DIR

_SEED = DBT_PROJECT_DIR / "seeds" / "defined_terms.csv"


def defined_terms(attribute: str) -> frozenset[str]:
    """Return the defined terms (PS3.3) of an attribute, given its keyword."""
    with _SEED.open(newline="") as lines:
        return frozenset(
            line["term"] for line in csv.DictReader(lines) if line["attribute"] == attribute
        )
