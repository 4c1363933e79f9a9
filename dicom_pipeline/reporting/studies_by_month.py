"""Number of studies by month and modality, counted in the raw zone.

Belongs here: counting.
Does not belong here: suppression of small counts (disclosure_control).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pyarrow.compute as pc

from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.landing.partition_key import UNDATED
from dicom_pipeline.reporting.disclosure_control import OTHER

_MONTH = len("2004-01")


def studies_by_month(raw: RawZone, modalities: Collection[str]) -> Counter[tuple[str, str]]:
    """Count the studies of each month by modality.

    A study with series of several modalities counts once for each of them.

    Parameters
    ----------
    raw
        The raw zone. Partitions are days, months or years; days are summed by month.
    modalities
        Modalities that may be shown: the defined terms of PS3.3. Other values of a file may
        identify a person and count as ``other``.
    """
    studies: dict[tuple[str, str], set[str]] = {}
    for period in raw.periods():
        rows = raw.read("series", period, ["key_study", "modality"])
        if rows is None:
            continue
        month = period if period == UNDATED else period[:_MONTH]
        pairs = rows.group_by(["key_study", "modality"]).aggregate([])
        names = pc.fill_null(pairs["modality"], OTHER).to_pylist()
        for study, name in zip(pairs["key_study"].to_pylist(), names, strict=True):
            cell = (month, name if name in modalities else OTHER)
            studies.setdefault(cell, set()).add(study)
    return Counter({cell: len(found) for cell, found in studies.items()})
