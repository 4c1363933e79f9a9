"""A mistake of a reader, or of pydicom, costs no file its row and gives no half header."""

from __future__ import annotations

from typing import Any

import pytest

from dicom_pipeline.headers import fast_reader, pydicom_reader
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, RejectReason
from dicom_pipeline.headers.structure.result import Fault
from tests.headers.fuzz import Bytes, attribute_paths
from tests.headers.raw_elements import Writer
from tests.headers.test_whole_headers import EXPECTED, header_with, values

STUDY_INSTANCE_UID = 0x0020000D


def test_an_error_of_the_fast_reader_is_a_counted_fallback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise KeyError("a value of a patient")

    reader = FastReader(attribute_paths())
    monkeypatch.setattr(fast_reader.Walk, "advance", broken)
    header = reader.read(Bytes(header_with(Writer("explicit"), b"")))
    assert values(header) == EXPECTED
    assert header.reader == "pydicom: error"


def test_a_header_of_which_pydicom_skips_an_element_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The elements that pydicom finds are compared with those of the walk."""
    read_dataset = pydicom_reader.read_dataset

    def skipping(*arguments: Any, **named: Any) -> Any:
        dataset = read_dataset(*arguments, **named)
        del dataset[STUDY_INSTANCE_UID]
        return dataset

    reader = PydicomReader(attribute_paths())
    file = Bytes(header_with(Writer("explicit"), b""))
    assert values(reader.read(file)) == EXPECTED
    monkeypatch.setattr(pydicom_reader, "read_dataset", skipping)
    with pytest.raises(FileRejected) as rejected:
        reader.read(file)
    assert rejected.value.reason is RejectReason.MALFORMED
    assert rejected.value.fault is Fault.OUT_OF_STEP
