"""Which dates of a row cannot be true.

Belongs here: applying the rules to the columns of one raw table.
Does not belong here: the rules (mapping.date_rules), rows (tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.mapping.date_rules import DATE_VRS, DateRules

_REMEMBERED_DATES = 10_000


class DateJudge:
    """Judges the dates of the columns of one table.

    Parameters
    ----------
    mapping, table
        The columns.
    index
        Position of each attribute in the values of a header.
    rules
        The rules.
    """

    def __init__(
        self,
        mapping: AttributeMapping,
        table: str,
        index: dict[AttributePath, int],
        rules: DateRules,
    ) -> None:
        self._attributes = [a for a in mapping.table(table) if a.path.vr in DATE_VRS]
        self._places = [index[a.path] for a in self._attributes]
        self._rules = rules
        # most files have the dates of the previous one
        self._judge = lru_cache(_REMEMBERED_DATES)(self._implausible)

    def implausible(
        self, values: Sequence[str | None], study_date: str | None, modified: date
    ) -> str | None:
        """Return the names of the columns whose date cannot be true; None if there are none."""
        if not self._places:
            return None
        return self._judge(tuple([values[i] for i in self._places]), study_date, modified)

    def _implausible(
        self, values: tuple[str | None, ...], study_date: str | None, modified: date
    ) -> str | None:
        found = [
            attribute.column
            for attribute, value in zip(self._attributes, values, strict=True)
            if self._rules.is_implausible(attribute.attribute, value, study_date, modified)
        ]
        return ",".join(found) or None
