"""Cross-check of the fast reader: one file in a thousand is also read by pydicom, in every run.

Belongs here: choice of the files, comparison of the results, counts by reader.
Does not belong here: the readers (headers), the asset check on the counts (orchestration.checks).
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
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path

ONE_IN = 1000
# values of the column ``reader`` for files that both readers read
AGREED = "fast, as pydicom"
DIFFERED = "pydicom: fast differed"


class CrossCheckedReader:
    """`FastReader` that compares a sample of its results with pydicom.

    The sample is chosen by a checksum of the SOP Instance UID, so that repeated runs check the
    same files and write the same rows.

    Parameters
    ----------
    attribute_paths
        See `FastReader`.
    one_in
        Size of the sample: one file in this number is read by both readers.
    """

    name = FastReader.name

    def __init__(self, attribute_paths: Sequence[AttributePath], one_in: int = ONE_IN) -> None:
        self._fast = FastReader(attribute_paths)
        self._pydicom = PydicomReader(attribute_paths)
        self._identity = tuple(attribute_paths).index(parse_attribute_path("SOPInstanceUID"))
        self._one_in = one_in

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`.

        If the readers differ, the result of pydicom is returned.
        """
        header = self._fast.read(file)
        uid = header.values[self._identity] or ""
        if header.reader != self.name or zlib.crc32(uid.encode()) % self._one_in:
            return header
        try:
            other = self._pydicom.read(file)
        except FileRejected as rejected:
            # pydicom also fails on a broken element that is not extracted: not a difference
            if rejected.reason is not RejectReason.DECODE_ERROR:
                header.reader = DIFFERED
            return header
        header.reader = other.reader = AGREED
        if header == other:
            return header
        other.reader = DIFFERED
        return other


def count_readers(raw: RawZone, periods: Iterable[str]) -> Counter[str]:
    """Count rows by the column ``reader``: the reader, and the reason if it was a fallback.

    Parameters
    ----------
    raw
        The raw zone.
    periods
        Keys of the partitions to count.
    """
    found: Counter[str] = Counter()
    for period in periods:
        table = raw.read("images", period, ["reader"])
        if table is not None:
            for counted in table["reader"].value_counts().to_pylist():
                found[counted["values"]] += counted["counts"]
    return found
