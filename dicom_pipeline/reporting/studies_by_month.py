"""How many studies there are by month and modality, as the raw zone has it.

Belongs here: counting. Does not belong here: what of it may be shown (small_cells).
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
    """Count the studies of each month by modality; one with series of several counts in each.

    Parameters
    ----------
    raw
        The raw zone. Its partitions are days, months or years; of days the month is taken.
    modalities
        Those that may be named, which are the standard's: anything can stand in a file.
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
