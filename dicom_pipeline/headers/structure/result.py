"""What a walk over a header finds: its elements and repairs, or the fault that ends it.

Belongs here: the results, and the encoding of a data set.
Does not belong here: the walk (walk).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dicom_pipeline.headers.files.repaired_file import Edit


class Fault(StrEnum):
    """Kind of a fault that makes a header malformed."""

    TAG = "tag"
    VALUE_REPRESENTATION = "value_representation"
    LENGTH = "length"
    DELIMITER = "delimiter"
    SEQUENCE = "sequence"
    OUT_OF_STEP = "out_of_step"  # pydicom found other elements


class Malformed(Exception):
    """The header is out of step, and its rest cannot be read; has the fault and no value."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Encoding:
    """Encoding of a data set."""

    implicit: bool
    little_endian: bool = True


@dataclass
class Structure:
    """Result of a walk.

    Attributes
    ----------
    tags
        Tags of the elements of the data set that pydicom has to find.
    edits
        Edits after which pydicom reads the header.
    recovered
        Number of faults that are repaired.
    """

    tags: set[int] = field(default_factory=set)
    edits: list[Edit] = field(default_factory=list)
    recovered: int = 0
