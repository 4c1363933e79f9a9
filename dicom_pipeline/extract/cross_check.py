"""One file in a thousand is read both ways, in production too.

Belongs here: choosing these files, holding the readers against each other, counting what came out.
Does not belong here: the readers, and what a difference leads to (orchestration.checks).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import Header, Reason, Rejected
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path

ONE_IN = 1000
# what the column ``reader`` says
AGREED = "fast, as pydicom"
DIFFERED = "pydicom: fast differed"


class CrossCheckedReader:
    """A `FastReader` whose results pydicom confirms now and then.

    Which files these are follows from their SOP Instance UID: the same files, the same rows.

    Parameters
    ----------
    attribute_paths
        See `FastReader`.
    one_in
        How many files there are to one that is read both ways.
    """

    name = FastReader.name

    def __init__(self, attribute_paths: Sequence[AttributePath], one_in: int = ONE_IN) -> None:
        self._fast = FastReader(attribute_paths)
        self._pydicom = PydicomReader(attribute_paths)
        self._identity = tuple(attribute_paths).index(parse_attribute_path("SOPInstanceUID"))
        self._one_in = one_in

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`."""
        header = self._fast.read(file)
        uid = header.values[self._identity] or ""
        if header.reader != self.name or zlib.crc32(uid.encode()) % self._one_in:
            return header
        try:
            other = self._pydicom.read(file)
        except Rejected as rejected:
            # a broken element that nobody wants costs a file its row there only
            if rejected.reason is not Reason.DECODE_ERROR:
                header.reader = DIFFERED
            return header
        header.reader = other.reader = AGREED
        if header == other:
            return header
        other.reader = DIFFERED
        return other


def readers(raw: RawZone, periods: Iterable[str]) -> Counter[str]:
    """How many rows each reader gave, and why it was not the fast one.

    Parameters
    ----------
    raw
        The raw zone.
    periods
        Keys of the partitions that are counted.
    """
    found: Counter[str] = Counter()
    for period in periods:
        table = raw.read("images", period, ["reader"])
        if table is not None:
            for counted in table["reader"].value_counts().to_pylist():
                found[counted["values"]] += counted["counts"]
    return found
