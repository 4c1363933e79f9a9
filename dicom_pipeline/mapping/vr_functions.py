"""The seed ``vr_functions.csv``: which de-identification function fits which VR.

Belongs here: reading the seed, and UIDs that name a class and not an instance.
Does not belong here: what the confidentiality profile permits (confidentiality_profile).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.mapping.confidentiality_profile import PERMITTED_BY
from dicom_pipeline.mapping.rule_seed import read_rules

VR_FUNCTIONS_CSV = DBT_PROJECT_DIR / "seeds" / "vr_functions.csv"
# UIDs that the standard itself assigns: kinds of objects and encodings. The dbt macro
# `refuse_leak` has the same pattern.
CLASS_UID = re.compile("SOPClass|TransferSyntaxUID")


class Fit(StrEnum):
    """Whether a function fits a VR; values as in the seed."""

    ACCEPTED = "accepted"
    REVIEWED = "reviewed"  # with `reviewed` and a reason
    CLASS_UID = "class_uid"  # for UIDs of classes only, with `reviewed` and a reason
    ACCEPTED_RISK = "accepted_risk"  # with an accepted risk
    REFUSED = "refused"


@cache
def vr_functions() -> Mapping[str, Mapping[str, Fit]]:
    """Return the fit of each function by VR."""
    return {
        row["vr"]: {name: Fit(row[name]) for name in PERMITTED_BY}
        for row in read_rules(VR_FUNCTIONS_CSV, ("vr", *PERMITTED_BY))
    }


def fit(function: str, vr: str, keyword: str) -> Fit:
    """Return whether a function fits an attribute, given by its VR and keyword.

    No function fits a VR that the seed does not list.
    """
    found = vr_functions().get(vr, {}).get(function, Fit.REFUSED)
    if found is Fit.CLASS_UID and not CLASS_UID.search(keyword):
        return Fit.REFUSED
    return found
