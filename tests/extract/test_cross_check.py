"""Cross-check in production: pydicom reads a fixed sample of the files again."""

from pathlib import Path

import pytest

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.extract import cross_check
from dicom_pipeline.extract.cross_check import AGREED, DIFFERED, CrossCheckedReader
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from tests.headers.fuzz import Bytes, attribute_paths
from tests.support.dicom import dataset, encoded
from tests.support.zone import Zone


def headers(reader: CrossCheckedReader, count: int = 100) -> list[Header]:
    return [reader.read(Bytes(encoded(dataset(n), "explicit"))) for n in range(count)]


def test_a_fixed_share_of_the_files_is_read_by_both_readers() -> None:
    first = [h.reader for h in headers(CrossCheckedReader(attribute_paths(), 10))]
    assert set(first) == {"fast", AGREED}
    assert 2 <= first.count(AGREED) <= 30
    assert [h.reader for h in headers(CrossCheckedReader(attribute_paths(), 10))] == first


def test_if_the_readers_differ_the_row_has_the_values_of_pydicom_and_records_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = FastReader.read

    def wrong(self: FastReader, file: OpenFile) -> Header:
        header = honest(self, file)
        header.values[-1] = "wrong"
        return header

    monkeypatch.setattr(FastReader, "read", wrong)
    found = headers(CrossCheckedReader(attribute_paths(), 1), 3)
    assert {h.reader for h in found} == {DIFFERED}
    assert all(h.values[-1] != "wrong" for h in found)


def test_a_decode_error_of_pydicom_alone_is_not_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = CrossCheckedReader(attribute_paths(), 1)
    reader.read(
        Bytes(encoded(dataset(), "explicit"))
    )  # fills the cache of character sets, which come from pydicom too

    def refuse(self: PydicomReader, file: OpenFile) -> Header:
        raise FileRejected(RejectReason.DECODE_ERROR)

    monkeypatch.setattr(PydicomReader, "read", refuse)
    assert {h.reader for h in headers(reader, 3)} == {"fast"}


def test_any_other_reject_by_pydicom_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = CrossCheckedReader(attribute_paths(), 1)
    reader.read(Bytes(encoded(dataset(), "explicit")))

    def refuse(self: PydicomReader, file: OpenFile) -> Header:
        raise FileRejected(RejectReason.TRUNCATED)

    monkeypatch.setattr(PydicomReader, "read", refuse)
    assert {h.reader for h in headers(reader, 3)} == {DIFFERED}


def test_a_file_that_fell_back_to_pydicom_is_not_read_again() -> None:
    reader = CrossCheckedReader(attribute_paths(), 1)
    header = reader.read(Bytes(encoded(dataset(), "big endian")))
    assert header.reader == "pydicom: transfer_syntax"


def test_readers_are_counted_over_all_partitions(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    for n, syntax in enumerate(("explicit", "implicit", "big endian")):
        zone.put(f"{n}", encoded(dataset(n, StudyDate=f"201{n}0101"), syntax))
    assert zone.load() == 3
    found = cross_check.count_readers(zone.raw, zone.raw.periods())
    assert found == {"fast": 2, "pydicom: transfer_syntax": 1}
