"""A bad file is rejected with a reason, affects no other file, and never gives a wrong value."""

import random
import struct
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.tables import ChunkTables
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, Header, HeaderReader, RejectReason
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.support.dicom import SYNTAXES, dataset, encoded, instance

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

READINGS = ChunkTables(
    load_mapping(), IdentityTerms(load_identity_attributes()), load_date_rules()
).attribute_paths
READER: HeaderReader = PydicomReader(READINGS)
SOP = next(i for i, attribute_path in enumerate(READINGS) if attribute_path.tag == 0x00080018)


@pytest.fixture(params=[PydicomReader, FastReader], autouse=True)
def _each_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run all tests of this module with both readers."""
    monkeypatch.setattr(sys.modules[__name__], "READER", request.param(READINGS))


class Bytes(OpenFile):
    """An open file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        pass


def read(data: bytes) -> Header | RejectReason:
    try:
        return READER.read(Bytes(data))
    except FileRejected as rejected:
        assert str(rejected) == rejected.reason.value  # the message quotes nothing from the file
        return rejected.reason


def rich() -> Dataset:
    """Dataset with sequences of both length forms, repeated, empty and private elements."""
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    item.StudyDate = "20120304"  # eight bytes, the length of an element header
    undefined = Dataset()
    undefined.update(item)
    undefined.is_undefined_length_sequence_item = True
    made = dataset(
        AcquisitionDate="20120305",
        InstitutionName="Clinic08",
        ReferencedImageSequence=Sequence([item, undefined]),
        RequestAttributesSequence=Sequence([undefined]),
        SeriesDescription="",
        PixelRepresentation=0,
        SmallestImagePixelValue=0,
        RedPaletteColorLookupTableDescriptor=[256, 0, 8],
    )
    made["RequestAttributesSequence"].is_undefined_length = True
    made.add_new(0x00091001, "UN", b"private!")
    made.add_new(0x00189087, "FD", 0.0)  # eight zeros
    return made


@cache
def complete(syntax: str, *, preamble: bool) -> tuple[bytes, Header]:
    data = encoded(rich(), syntax, preamble=preamble)
    header = read(data)
    assert isinstance(header, Header)
    return data, header


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian"])
def test_a_header_cut_off_anywhere_gives_a_reason_or_right_values_only(
    syntax: str, preamble: bool
) -> None:
    data, expected = complete(syntax, preamble=preamble)
    rows = 0
    for end in range(len(data)):
        outcome = read(data[:end])
        if isinstance(outcome, RejectReason):
            assert outcome.value in {"truncated", "no_sop_instance_uid", "not_dicom"}, end
            continue
        rows += 1
        missing = False
        assert outcome.unreadable_values == 0
        for attribute_path, text, full in zip(
            READINGS, outcome.values, expected.values, strict=True
        ):
            assert text in (full, None), (end, hex(attribute_path.tag))
        by_tag = sorted(zip(READINGS, outcome.values, expected.values, strict=True))
        for _, text, full in sorted(by_tag, key=lambda row: row[0].first_tag):
            if full is not None:
                missing = missing or text is None
                assert (text is None) == missing, (
                    end
                )  # the values are those of a prefix of the header
    # a cut between two elements gives a row: there are about forty elements
    assert 10 < rows < 60


def test_a_deflated_header_cut_off_anywhere_is_truncated() -> None:
    data = instance(syntax="deflated")
    reasons = {end: read(data[:end]) for end in range(len(data) - 2)}
    assert set(reasons.values()) <= {
        RejectReason.TRUNCATED, RejectReason.NOT_DICOM, RejectReason.NO_SOP_INSTANCE_UID
    }  # fmt: skip
    assert {reasons[end] for end in range(340, len(data) - 2)} == {RejectReason.TRUNCATED}


def test_zeros_after_the_last_element_are_padding() -> None:
    data = instance()
    for padding in (1, 2, 7):
        assert isinstance(read(data + b"\0" * padding), Header)


def test_truncated_pixel_data_does_not_matter() -> None:
    made = dataset(BitsAllocated=8, PixelData=b"\1" * 5000)
    made["PixelData"].VR = "OB"
    data = encoded(made)
    assert isinstance(read(data[:-4000]), Header)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_dicom"),
        (b"\0", "not_dicom"),
        (b"\0" * 5000, "not_dicom"),
        (b"\xff" * 5000, "not_dicom"),
        (b"just some text, as in a README\n" * 50, "not_dicom"),
        (b"%PDF-1.7\n" + b"x" * 500, "not_dicom"),
        (b"\0" * 128 + b"DICM", "truncated"),
        (b"\0" * 128 + b"DIC", "not_dicom"),
    ],
)
def test_a_file_that_is_not_dicom_has_its_own_reason(data: bytes, reason: str) -> None:
    assert read(data) == reason


def test_random_bytes_never_raise_and_never_give_a_row() -> None:
    dice = random.Random(1)
    for _ in range(300):
        noise = dice.randbytes(dice.randrange(1, 3000))
        assert read(noise) is RejectReason.NOT_DICOM
        assert isinstance(read(b"\0" * 128 + b"DICM" + noise), RejectReason)


def test_flipped_bytes_never_raise() -> None:
    dice = random.Random(2)
    for syntax in SYNTAXES:
        data = encoded(rich(), syntax)
        for _ in range(300):
            broken = bytearray(data)
            for _ in range(dice.randrange(1, 4)):
                broken[dice.randrange(132, len(data))] = dice.randrange(256)
            read(bytes(broken))


def with_syntax(uid: str, body: bytes) -> bytes:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(syntax))
    return b"\0" * 128 + b"DICM" + length + syntax + body


@pytest.mark.parametrize(
    "uid", ["1.2.3.4", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205", "not a uid"]
)
@pytest.mark.parametrize("body", [b"\x9c\x01\xd2" * 40, random.Random(3).randbytes(400)])
def test_an_unsupported_transfer_syntax_is_the_reason_of_the_reject(uid: str, body: bytes) -> None:
    assert read(with_syntax(uid, body)) is RejectReason.UNSUPPORTED_TRANSFER_SYNTAX


def test_an_unknown_transfer_syntax_with_explicit_little_endian_encoding_is_read() -> None:
    body = encoded(dataset(), preamble=False)
    header = read(with_syntax("1.2.3.4", body))
    assert isinstance(header, Header)
    assert header.transfer_syntax_uid == "1.2.3.4"


def test_a_file_without_sop_instance_uid_is_rejected_with_that_reason() -> None:
    data = instance()
    place = data.index(struct.pack("<HH2sH", 8, 0x18, b"UI", 8))
    assert read(data[:place] + data[place + 16 :]) is RejectReason.NO_SOP_INSTANCE_UID


def test_a_dicomdir_is_ignored() -> None:
    made = dataset(SOPClassUID="1.2.840.10008.1.3.10")
    assert read(encoded(made)) is RejectReason.DICOMDIR
    assert RejectReason.DICOMDIR.outcome == "ignored"


def element(group: int, number: int, vr: bytes, length: int, value: bytes = b"") -> bytes:
    if vr in (b"OB", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHI", group, number, vr, 0, length) + value
    return struct.pack("<HH2sH", group, number, vr, length) + value


def front() -> bytes:
    """Return a file up to the patient module, without the following elements."""
    behind = ("StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient",
              "Rows", "Columns", "PixelSpacing")  # fmt: skip
    return instance(**dict.fromkeys(behind))


def test_a_declared_length_of_four_gigabytes_is_truncated_and_uses_no_memory() -> None:
    for vr in (b"UT", b"UN", b"SQ", b"OB"):
        data = front() + element(0x0018, 0x9999, vr, 0xFFFFFFFE, b"x" * 100)
        assert read(data) is RejectReason.TRUNCATED


def test_a_value_of_two_megabytes_is_counted_as_unreadable_and_the_rest_is_read() -> None:
    long = "x" * (2 << 20)
    header = read(instance(PatientComments=long, StudyComments="short"))
    assert isinstance(header, Header)
    assert header.unreadable_values == 1
    assert long not in header.values
    assert "1.2.3.200" in header.values
    made = dataset()
    made.add_new(0x00091001, "UN", b"y" * (2 << 20))
    header = read(encoded(made))
    assert isinstance(header, Header)
    assert header.unreadable_values == 0


@pytest.mark.parametrize(
    ("closed", "reason"), [(True, RejectReason.DECODE_ERROR), (False, RejectReason.TRUNCATED)]
)
def test_ten_thousand_nested_sequences_are_rejected(closed: bool, reason: RejectReason) -> None:
    depth = 10_000
    opening = element(0x0040, 0x0275, b"SQ", 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    outcome = read(front() + opening * depth + closing * depth * closed)
    assert outcome is reason


def test_a_malformed_value_is_counted_and_the_row_is_loaded() -> None:
    data = front() + element(0x0028, 0x0010, b"US", 3, b"abc")
    header = read(data)
    assert isinstance(header, Header)
    assert header.unreadable_values == 1
    assert header.values[SOP] == "1.2.3.1"


def test_a_file_with_an_unknown_character_set_is_loaded() -> None:
    data = instance(PatientName="A^B").replace(b"ISO_IR 192", b"ISO_IR 999")
    header = read(data)
    assert isinstance(header, Header)
    assert "A^B" in header.values


class Failing(Bytes):
    """An open file whose reads fail after a given offset."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self.good = good

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > self.good and offset < self.size:
            raise OSError(5, "Input/output error")
        return super().read_at(offset, length)


@pytest.mark.parametrize("kind", ["plain", "in a sequence", "no preamble"])
def test_a_disk_error_is_not_an_error_of_the_file(kind: str) -> None:
    made: dict[str, Any] = {}
    data = encoded(rich(), preamble=kind != "no preamble")
    if kind == "in a sequence":
        inner = element(0x0008, 0x0060, b"CS", 2, b"CT") * 2000
        data = front() + element(0x0040, 0x0275, b"SQ", 0xFFFFFFFF) + struct.pack(
            "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
        ) + inner  # fmt: skip
        made["good"] = 8192
    with pytest.raises(OSError, match="Input/output"):
        READER.read(Failing(data, made.get("good", 0)))


def test_each_part_of_a_file_is_read_once(tmp_path: Path) -> None:
    data = encoded(dataset(PixelData=bytes(100_000), BitsAllocated=8))
    file = Bytes(data)
    asked: list[tuple[int, int]] = []
    real = file.read_at
    file.read_at = lambda o, n: asked.append((o, n)) or real(o, n)  # type: ignore[func-returns-value, method-assign]
    READER.read(file)
    assert asked == [(0, 8192)]
