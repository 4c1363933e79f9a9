"""Which readable headers have a row: those of instances of a study.

Belongs here: objects that belong to no patient, and instances without the UIDs of their parents.
Does not belong here: headers that cannot be read (headers).
"""

from __future__ import annotations

from dicom_pipeline.headers.reader import RejectReason

# PS3.4 annex GG, Non-Patient Object Storage Service Class: these have no patient and no study
NON_PATIENT_OBJECTS = {
    "1.2.840.10008.5.1.4.38.1": "Hanging Protocol Storage",
    "1.2.840.10008.5.1.4.39.1": "Color Palette Storage",
    "1.2.840.10008.5.1.4.43.1": "Generic Implant Template Storage",
    "1.2.840.10008.5.1.4.44.1": "Implant Assembly Template Storage",
    "1.2.840.10008.5.1.4.45.1": "Implant Template Group Storage",
    "1.2.840.10008.5.1.4.1.1.200.1": "CT Defined Procedure Protocol Storage",
    "1.2.840.10008.5.1.4.1.1.200.3": "Protocol Approval Storage",
    "1.2.840.10008.5.1.4.1.1.200.7": "XA Defined Procedure Protocol Storage",
    "1.2.840.10008.5.1.4.1.1.201.1": "Inventory Storage",
}


def reject_reason(
    sop_class: str | None, study: str | None, series: str | None, *, allow_missing_uids: bool
) -> RejectReason | None:
    """Return why a header has no row; None if it has one.

    Parameters
    ----------
    sop_class, study, series
        SOP Class UID, Study Instance UID and Series Instance UID.
    allow_missing_uids
        ``DICOM_ALLOW_MISSING_UIDS``: an instance without UIDs is a study and a series of its own.
    """
    if sop_class in NON_PATIENT_OBJECTS:
        return RejectReason.NON_PATIENT_OBJECT
    if allow_missing_uids:
        return None
    if not study:
        return RejectReason.NO_STUDY_INSTANCE_UID
    if not series:
        return RejectReason.NO_SERIES_INSTANCE_UID
    return None
