"""Reading of the seeds that the mapping is checked against.

Belongs here: refusing a seed that is missing or damaged, since it would allow everything.
Does not belong here: the meaning of the rows (confidentiality_profile, vr_functions).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from dicom_pipeline.common.errors import ConfigurationError


def read_rules(path: Path, fields: Iterable[str]) -> Sequence[dict[str, str]]:
    """Return the rows of a seed.

    Raises
    ------
    ConfigurationError
        The file is missing, has other columns, no row or an incomplete row.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            is_complete = set(reader.fieldnames or ()) == set(fields) and bool(rows)
    except (OSError, UnicodeDecodeError, csv.Error):
        is_complete = False
    if not is_complete or any(None in row or None in row.values() for row in rows):
        raise ConfigurationError(
            f"{path.name} is missing or damaged: restore it from the package "
            "(dicom-pipeline init --upgrade)"
        )
    return rows
