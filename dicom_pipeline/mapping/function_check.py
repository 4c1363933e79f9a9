"""Check that the functions of a line of the mapping publish nothing that must be protected.

Belongs here: combining the VR with the confidentiality profile, and the message of a refusal.
Does not belong here: the two rules themselves (vr_functions, confidentiality_profile), and other
checks of a line (attribute_mapping).
"""

from __future__ import annotations

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping import confidentiality_profile
from dicom_pipeline.mapping.confidentiality_profile import PERMITTED_BY
from dicom_pipeline.mapping.vr_functions import Fit, fit


def needs_accepted_risk(
    function: str, attribute: str, path: AttributePath, profile: Profile
) -> bool:
    """Return whether a function keeps what the profile or the VR rule protects."""
    risky = fit(function, path.vr, _keyword(attribute)) is Fit.ACCEPTED_RISK
    return risky or not confidentiality_profile.permits(function, path, profile)


def check_function(
    function: str,
    attribute: str,
    path: AttributePath,
    profile: Profile,
    *,
    reviewed: bool,
    accepted_risk: bool,
) -> None:
    """Check one function of a line.

    Parameters
    ----------
    function
        De-identification function of the line under the profile.
    attribute, path
        The attribute as the line names it, and parsed.
    profile
        De-identification profile.
    reviewed
        Whether the line has a review and a reason.
    accepted_risk
        Whether the line states why the risk is accepted.

    Raises
    ------
    ValueError
        The function does not fit the VR, or keeps a value without the review or the accepted risk
        that this requires.
    """
    found = fit(function, path.vr, _keyword(attribute))
    if found is Fit.REFUSED:
        raise ValueError(
            f"{profile}: {function} does not fit {attribute}, whose VR is {path.vr}: "
            f"use {_alternatives(attribute, path, profile)}"
        )
    if found in (Fit.REVIEWED, Fit.CLASS_UID) and not reviewed:
        raise ValueError(
            f"{profile}: {function} on VR {path.vr} needs reviewed = true and a reason"
        )
    if accepted_risk or not needs_accepted_risk(function, attribute, path, profile):
        return
    action = confidentiality_profile.basic_action(path)
    if confidentiality_profile.permits(function, path, profile):
        protects = f"which can identify a person, a device or a site (VR {path.vr})"
    elif action:
        protects = f"which the confidentiality profile protects (Table E.1-1: {action})"
    else:  # a sequence that the table does not list
        protects = f"whose items need options that {profile} does not have"
    raise ValueError(
        f"{profile}: {function} keeps {attribute}, {protects}: use "
        f"{_alternatives(attribute, path, profile)}, or state the reason in accepted_risk"
    )


def _alternatives(attribute: str, path: AttributePath, profile: Profile) -> str:
    """Return the functions that need neither a review nor an accepted risk."""
    names = [
        name
        for name in sorted(PERMITTED_BY)
        if fit(name, path.vr, _keyword(attribute)) is Fit.ACCEPTED
        and confidentiality_profile.permits(name, path, profile)
    ]
    return " or ".join(names) or "no line for it"


def _keyword(attribute: str) -> str:
    return attribute.rpartition(".")[2]
