"""The seed ``defined_terms.csv``: values that the standard defines, which identify no patient.

Belongs here: reading the seed, and which of its attributes apply to a column or an element.
Does not belong here: the treatment of other values.
"""

from __future__ import annotations

import csv

from dicom_pipeline.config.project import DBT_PROJECT_DIR

_SEED = DBT_PROJECT_DIR / "seeds" / "defined_terms.csv"
# attributes whose values the standard defines as those of another one
_SAME_TERMS = {
    "FrameType": "ImageType", "ImageLaterality": "Laterality", "FrameLaterality": "Laterality",
}  # fmt: skip


def terms_keyword(attribute: str) -> str:
    """Return the keyword under which the seed has the terms of an attribute or a path of them."""
    keyword = attribute.rpartition(".")[2]
    return _SAME_TERMS.get(keyword, keyword)


def defined_terms(attribute: str) -> frozenset[str]:
    """Return the defined terms (PS3.3) of an attribute, given its keyword."""
    with _SEED.open(newline="") as lines:
        return frozenset(
            line["term"] for line in csv.DictReader(lines) if line["attribute"] == attribute
        )
