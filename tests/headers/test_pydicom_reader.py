"""Values equal those of pydicom's public interface, and identifiers those of DCMTK.

The test files are all files that ship in the pydicom wheel.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.multival import MultiValue
from pydicom.valuerep import IS, DSfloat, PersonName

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.tables import ChunkTables
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from dicom_pipeline.landing.directory import LocalFile
from dicom_pipeline.mapping.attribute_mapping import load_mapping, parse_attribute_path
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.support.dicom import WHEEL, dcmdump, wheel_files

READINGS = ChunkTables(
    load_mapping(), IdentityTerms(load_identity_attributes()), load_date_rules()
).attribute_paths
IDENTIFIERS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")

NOT_LOADED = {
    "charset_files/FileInfo.txt": "not_dicom",
    "test_files/README.txt": "not_dicom",
    "test_files/crayons.icc": "not_dicom",
    "test_files/dicomdirtests/README.txt": "not_dicom",
    "test_files/dicomdirtests/TINY_ALPHA/README": "not_dicom",
    "test_files/rtplan.dump": "not_dicom",
    "test_files/rtstruct.dump": "not_dicom",
    "test_files/test1.json": "not_dicom",
    "test_files/test_PN.json": "not_dicom",
    "test_files/zipMR.gz": "not_dicom",
    # an extra byte before a file without preamble shifts all tags by one byte
    "test_files/no_meta.dcm": "not_dicom",
    # cut off in a sequence before the pixel data
    "test_files/rtplan_truncated.dcm": "truncated",
}
# DCMTK reads these, but they are not instances
READ_BY_DCMDUMP_AND_NOT_LOADED = {
    # fragments for parser tests: a few elements, no SOP Instance UID
    "charset_files/chrSQEncoding.dcm": "no_sop_instance_uid",
    "charset_files/chrSQEncoding1.dcm": "no_sop_instance_uid",
    "test_files/UN_sequence.dcm": "no_sop_instance_uid",
    "test_files/empty_charset_LEI.dcm": "no_sop_instance_uid",
    "test_files/meta_missing_tsyntax.dcm": "no_sop_instance_uid",
    "test_files/nested_priv_SQ.dcm": "no_sop_instance_uid",
    "test_files/no_meta_group_length.dcm": "no_sop_instance_uid",
    "test_files/priv_SQ.dcm": "no_sop_instance_uid",
    # DICOMDIR files, not instances
    "test_files/dicomdirtests/DICOMDIR": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-bigEnd": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-empty.dcm": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-implicit": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-nooffset": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-nopatient": "dicomdir",
    "test_files/dicomdirtests/DICOMDIR-reordered": "dicomdir",
    "test_files/dicomdirtests/TINY_ALPHA/DICOMDIR": "dicomdir",
}
# DCMTK fails at their pixel data, which the pipeline does not read
REFUSED_BY_DCMDUMP_AND_LOADED = {"test_files/MR_truncated.dcm", "test_files/SC_rgb_jpeg.dcm"}


def read(path: Path, attribute_paths: Sequence[AttributePath] = READINGS) -> Header | RejectReason:
    file = LocalFile(str(path))
    try:
        return PydicomReader(attribute_paths).read(file)
    except FileRejected as rejected:
        return rejected.reason
    finally:
        file.close()


OUTCOMES = {str(path.relative_to(WHEEL)): read(path) for path in wheel_files()}
LOADED = sorted(name for name, outcome in OUTCOMES.items() if isinstance(outcome, Header))


def test_exactly_the_known_files_are_rejected_with_the_known_reasons() -> None:
    assert len(LOADED) > 100
    rejected = {n: o.value for n, o in OUTCOMES.items() if isinstance(o, RejectReason)}
    assert rejected == NOT_LOADED | READ_BY_DCMDUMP_AND_NOT_LOADED


def test_dcmdump_agrees_on_which_files_are_dicom() -> None:
    read_by_dcmdump = {n for n in OUTCOMES if dcmdump(WHEEL / n, "SOPInstanceUID") is not None}
    assert set(LOADED) - read_by_dcmdump == REFUSED_BY_DCMDUMP_AND_LOADED
    assert read_by_dcmdump - set(LOADED) == set(READ_BY_DCMDUMP_AND_NOT_LOADED)


def test_identifiers_are_those_of_dcmdump() -> None:
    compared = 0
    for name in set(LOADED) - REFUSED_BY_DCMDUMP_AND_LOADED:
        expected = dcmdump(WHEEL / name, *IDENTIFIERS)
        assert expected is not None
        for keyword in IDENTIFIERS:
            assert (value_of(name, keyword) or "") == expected.get(keyword, "").strip(), name
            compared += 1
    assert compared > 400


def value_of(name: str, keyword: str) -> str | None:
    header = OUTCOMES[name]
    assert isinstance(header, Header)
    return header.values[READINGS.index(parse_attribute_path(keyword))]


def text_by_pydicom(dataset: pydicom.Dataset, attribute_path: AttributePath) -> str | None:
    for tag, index in attribute_path.steps:
        if tag not in dataset or len(dataset[tag].value) <= index:
            return None
        dataset = dataset[tag].value[index]
    if attribute_path.tag not in dataset:
        return None
    value: Any = dataset[attribute_path.tag].value
    values = list(value) if isinstance(value, MultiValue | list) else [value]
    if attribute_path.vr in ("LT", "ST", "UT"):  # leading spaces are significant
        texts = ["" if v is None else str(v).rstrip(" \0") for v in values]
    else:
        texts = [as_written(v).strip(" \0") for v in values]
    return unicodedata.normalize("NFC", "\\".join(texts)) if any(texts) else None


def as_written(value: Any) -> str:
    """Return DS and IS values as the text in the file, not as numbers."""
    if isinstance(value, DSfloat | IS):
        return str(getattr(value, "original_string", value))
    if isinstance(value, PersonName):
        return str(value)
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", LOADED)
def test_every_value_equals_that_of_pydicoms_public_interface(name: str) -> None:
    header = OUTCOMES[name]
    assert isinstance(header, Header)
    dataset = pydicom.dcmread(WHEEL / name, force=True, stop_before_pixels=True)
    wrong = []
    for attribute_path, text in zip(READINGS, header.values, strict=True):
        if attribute_path.vr == "SQ":
            present = bool(attribute_path.tag in dataset and dataset[attribute_path.tag].value)
            assert (text is not None) == present
            continue
        expected = text_by_pydicom(dataset, attribute_path)
        if attribute_path.vr == "PN" and text:  # pydicom drops empty component groups at the end
            text = text.rstrip("=")
        if text != expected:
            wrong.append((hex(attribute_path.tag), attribute_path.vr, text, expected))
    assert not wrong
    assert header.unreadable_values == 0
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    assert header.transfer_syntax_uid == (str(syntax) if syntax else None)
