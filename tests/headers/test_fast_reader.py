"""The fast reader returns the values of pydicom, or falls back to it."""

import os
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import Header, RejectReason
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path
from tests.headers import fuzz
from tests.headers.fuzz import Bytes, attribute_paths, differs, outcome
from tests.headers.made_headers import made_header
from tests.support.dicom import SYNTAXES, WHEEL, dataset, encoded, wheel_files

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

FAST, PYDICOM = FastReader(attribute_paths()), PydicomReader(attribute_paths())


def file_of(pixels: bytes = b"\0\0", syntax: str = "explicit", **attributes: Any) -> bytes:
    """Return a file with pixel data after its header."""
    made = dataset(**attributes)
    made.add_new(0x7FE00010, "OW", pixels)
    return encoded(made, syntax)


def read(data: bytes) -> Header:
    header = outcome(FAST, data)
    assert isinstance(header, Header)
    return header


def value(header: Header, keyword: str) -> str | None:
    return header.values[attribute_paths().index(parse_attribute_path(keyword))]


def test_both_readers_give_the_same_values_or_reject_for_files_of_the_wheel() -> None:
    readers: Counter[str] = Counter()
    for path in wheel_files():
        data = path.read_bytes()
        fast, slow = outcome(FAST, data), outcome(PYDICOM, data)
        assert not differs(fast, slow), path.relative_to(WHEEL)
        if isinstance(fast, Header):
            readers[fast.reader] += 1
    assert readers["fast"] >= 150
    assert set(readers) == {
        "fast",
        "pydicom: no_preamble",
        "pydicom: transfer_syntax",
        "pydicom: value_representation",
    }


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(min_value=10_000))
def test_both_readers_give_the_same_values_for_random_headers(number: int) -> None:
    data = made_header(number, attribute_paths())
    fast, slow = outcome(FAST, data), outcome(PYDICOM, data)
    assert isinstance(fast, Header)
    assert fast.reader in ("fast", "pydicom: sequence")
    assert not differs(fast, slow)


def test_both_readers_give_the_same_values_or_reject_for_mutated_headers() -> None:
    seen: Counter[str] = Counter()
    # the seed changes each week, and all runs of a week use the same one
    seed = int(os.environ.get("FUZZ_SEED", "0"))
    for number, data in fuzz.cases(4000, seed):
        fast, slow = outcome(FAST, data), outcome(PYDICOM, data)
        assert not differs(fast, slow), number
        seen[fast.reader if isinstance(fast, Header) else fast.value] += 1
    assert seen["fast"] > 500
    assert len(seen) > 10


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_header_cut_at_any_offset_has_the_same_outcome_as_with_pydicom(syntax: str) -> None:
    data = file_of(syntax=syntax)
    for end in range(len(data)):
        assert not differs(outcome(FAST, data[:end]), outcome(PYDICOM, data[:end])), end


@pytest.mark.parametrize(
    ("attributes", "syntax", "preamble", "reader"),
    [
        ({}, "explicit", True, "fast"),
        ({}, "implicit", True, "fast"),
        ({"SpecificCharacterSet": ["", "ISO 2022 IR 87"]}, "explicit", True, "fast"),
        ({}, "big endian", True, "pydicom: transfer_syntax"),
        ({}, "deflated", True, "pydicom: transfer_syntax"),
        ({}, "explicit", False, "pydicom: no_preamble"),
    ],
)
def test_a_header_records_its_reader_and_the_fallback_reason(
    attributes: dict[str, object], syntax: str, preamble: bool, reader: str
) -> None:
    header = read(encoded(dataset(**attributes), syntax, preamble=preamble))
    assert header.reader == reader
    assert value(header, "PatientID") == "4711"


def test_elements_out_of_order_fall_back_to_pydicom() -> None:
    first, second = b"\x08\x00\x60\x00CS\x02\x00CT", b"\x10\x00\x20\x00LO\x04\x004711"
    data = encoded(dataset(), "explicit")
    assert first in data
    assert second in data
    swapped = data.replace(first, b"#").replace(second, first).replace(b"#", second)
    header, expected = read(swapped), outcome(PYDICOM, swapped)
    assert header.reader == "pydicom: order_of_elements"
    assert isinstance(expected, Header)
    assert header.values == expected.values
    assert value(header, "PatientID") == "4711"


def test_values_of_one_file_never_appear_in_another_file_of_the_series() -> None:
    """The reader caches layouts and texts, but not the presence of a value."""
    chance = random.Random(1)
    reader = FastReader(attribute_paths())
    for number in range(300):
        attributes = {
            "PatientName": chance.choice((None, "", "A^B", "Longer^Name^Of")),
            "PatientID": chance.choice((None, "", "1", "4711")),
            "StudyDescription": chance.choice((None, "x", "x" * 60)),
            "ImagePositionPatient": [f"{chance.uniform(-200, 200):.{chance.randrange(5)}f}"] * 3,
            "InstanceNumber": str(chance.randrange(1, 2000)),
            "PixelSpacing": chance.choice((None, ["0.5", "0.5"])),
        }
        data = encoded(dataset(number, **attributes), "explicit")
        assert not differs(outcome(reader, data), outcome(PYDICOM, data)), number


def test_only_the_header_is_read() -> None:
    for pixels in (0, 100, 10_000_000):
        file = Bytes(file_of(bytes(pixels)))
        FAST.read(file)
        assert file.read <= 8192


def test_large_values_that_are_not_mapped_are_skipped() -> None:
    made = dataset()
    made.add_new(0x7FE00010, "OW", b"\0\0")
    block = made.private_block(0x0029, "MADE", create=True)
    block.add_new(0x10, "OB", bytes(3_000_000))
    file = Bytes(encoded(made, "explicit"))
    header = FAST.read(file)
    assert header.reader == "fast"
    assert value(header, "Rows") == "2"
    assert file.read < 100_000


def test_a_sequence_that_extends_beyond_the_first_block_is_read_to_its_end() -> None:
    made = dataset()
    made.add_new(0x7FE00010, "OW", b"\0\0")
    item = dataset(1, SpecificCharacterSet=None)
    item.TextValue = "y" * 9000
    made.RequestAttributesSequence = [item] * 30
    made["RequestAttributesSequence"].is_undefined_length = True
    data = encoded(made, "explicit")
    header = read(data)
    assert header.reader == "fast"
    assert not differs(header, outcome(PYDICOM, data))


def test_each_file_is_decoded_with_its_own_character_set() -> None:
    reader = FastReader(attribute_paths())
    names = {"ISO_IR 100": "Änne", "ISO_IR 144": "Люк", "ISO_IR 192": "山田"}
    for charset, text in [*names.items(), *names.items()]:
        data = encoded(dataset(SpecificCharacterSet=charset, PatientName=text), "explicit")
        header = outcome(reader, data)
        assert isinstance(header, Header)
        assert value(header, "PatientName") == text


def test_any_selection_of_attribute_paths_can_be_read() -> None:
    for keywords in (["PatientID"], ["RequestAttributesSequence"], ["Rows", "PatientName"]):
        chosen: list[AttributePath] = [parse_attribute_path(keyword) for keyword in keywords]
        data = encoded(dataset(), "implicit")
        assert outcome(FastReader(chosen), data) == Header(
            PydicomReader(chosen).read(Bytes(data)).values, "1.2.840.10008.1.2", 0, "fast"
        )


def test_a_duplicate_attribute_path_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        FastReader(
            [
                parse_attribute_path("PatientID"),
                parse_attribute_path("Rows"),
                parse_attribute_path("PatientID"),
            ]
        )


def test_a_file_that_is_not_dicom_is_rejected_as_not_dicom() -> None:
    assert outcome(FAST, b"") is RejectReason.NOT_DICOM
    assert outcome(FAST, b"x" * 5000) is RejectReason.NOT_DICOM
