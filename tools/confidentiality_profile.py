"""Write the seed ``confidentiality_profile.csv``: facts of Table E.1-1 of PS3.15.

Belongs here: selecting the rows and columns of the table that the check of the mapping needs.
Does not belong here: reading the table (deid_standard), the meaning of its actions
(mapping.confidentiality_profile).
"""

from __future__ import annotations

import csv
import io
import re
import sys

from pydicom.datadict import keyword_for_tag

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.mapping.confidentiality_profile import FIELDS, OPTIONS, PROFILE_CSV
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tools.deid_standard import EDITION, Table, standard

# attributes that the table does not list, although the project knows that they identify somebody
PROJECT_SOURCE = "identity_attributes"
PROJECT_ACTION = "X/Z/D"


def seed_text() -> str:
    """Return the expected content of the seed, in the order of the tags."""
    rows = [*_rows_of_the_table(standard()), *_rows_of_the_project(standard())]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(sorted(rows))
    return text.getvalue()


def _rows_of_the_table(table: Table) -> list[list[str]]:
    """Return the rows with a single tag; repeating groups and private tags have no keyword."""
    return [
        [
            tag,
            # the dictionary of pydicom may be older than the table
            keyword_for_tag(int(tag, 16)) or re.sub(r"[^A-Za-z0-9]", "", rule.name),
            rule.basic,
            *(rule.options.get(option, "") for option in OPTIONS),
            EDITION,
        ]
        for tag, rule in table.rules.items()
        if re.fullmatch("[0-9A-F]{8}", tag)
    ]


def _rows_of_the_project(table: Table) -> list[list[str]]:
    tags = {
        attribute.path.tag
        for attribute in load_identity_attributes().attributes
        if not attribute.path.steps and table.rule(attribute.path.tag) is None
    }
    return [
        [
            f"{tag:08X}",
            keyword_for_tag(tag),
            PROJECT_ACTION,
            *("" for _ in OPTIONS),
            PROJECT_SOURCE,
        ]
        for tag in tags
    ]


if __name__ == "__main__":
    PROFILE_CSV.write_text(seed_text(), encoding="utf-8")
    sys.stdout.write(f"{PROFILE_CSV.relative_to(PROJECT_DIR)} is written\n")
