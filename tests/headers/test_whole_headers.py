"""A header is read whole, or its file is rejected with a reason: faults in the structure.

Each test is about one kind of fault, of which the members are made here. The expected values are
those that were written; DCMTK's dcmdump is asked where it reads such files.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from dicom_pipeline.headers.structure.result import Fault
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path
from tests.headers.fuzz import Bytes, attribute_paths, differs, outcome
from tests.headers.raw_elements import Writer
from tests.support.dicom import CT, SYNTAXES, dcmdump

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

FAST, PYDICOM = FastReader(attribute_paths()), PydicomReader(attribute_paths())
EXPECTED = {
    "SOPInstanceUID": "1.2.3.1",
    "StudyDate": "20200115",
    "Modality": "CT",
    "StudyDescription": "CT chest Young Hand",
    "PatientName": "Young^Hand",
    "PatientID": "SE-1",
    "StudyInstanceUID": "1.2.3.100",
    "SeriesInstanceUID": "1.2.3.200",
    "Rows": "4",
    "PixelSpacing": "0.5\\0.5",
}
RNG = random.Random(5)
NOISE = RNG.randbytes(2_000_000)
TISSUE = b"".join(RNG.randrange(1000, 1060).to_bytes(2, "little") for _ in range(300_000))
PIXELS = {
    "none": b"",
    "small": bytes(20_000),
    "zeros": bytes(2_000_000),
    "noise": NOISE,
    "tissue": TISSUE,
}
ITEM_END, SEQUENCE_END = 0xE00D, 0xE0DD
# what is taken for a length may lead out of the file, as if the file were cut off
OUT_OF_STEP = (RejectReason.MALFORMED, RejectReason.TRUNCATED)


def elements(w: Writer) -> list[bytes]:
    """Return the elements of a small header, without pixel data."""
    return [
        w.element(0x00080016, "UI", CT.encode()),
        w.element(0x00080018, "UI", b"1.2.3.1"),
        w.element(0x00080020, "DA", b"20200115"),
        w.element(0x00080060, "CS", b"CT"),
        w.element(0x00081030, "LO", b"CT chest Young Hand"),
        w.element(0x00100010, "PN", b"Young^Hand"),
        w.element(0x00100020, "LO", b"SE-1"),
        w.element(0x0020000D, "UI", b"1.2.3.100"),
        w.element(0x0020000E, "UI", b"1.2.3.200"),
        w.number(0x00280010, 4),
        w.element(0x00280030, "DS", b"0.5\\0.5"),
    ]


def header_with(w: Writer, middle: bytes, pixels: bytes = bytes(512)) -> bytes:
    """Return a file with some bytes between the study description and the patient's name."""
    made = elements(w)
    body = b"".join(made[:5]) + middle + b"".join(made[5:])
    return w.file(body + (w.pixels(pixels) if pixels else b""))


def read(data: bytes) -> Header | RejectReason:
    """Return the outcome, which both readers have to give."""
    fast, slow = outcome(FAST, data), outcome(PYDICOM, data)
    assert not differs(fast, slow)
    return fast


def values(header: Header | RejectReason) -> dict[str, str | None]:
    assert isinstance(header, Header), header
    return {k: header.values[attribute_paths().index(parse_attribute_path(k))] for k in EXPECTED}


def fault_of(data: bytes) -> str | None:
    with pytest.raises(FileRejected) as rejected:
        PYDICOM.read(Bytes(data))
    assert str(rejected.value) == rejected.value.reason
    return rejected.value.fault


def references(w: Writer, *, defined: bool, extra: bytes = b"", **end: bytes) -> bytes:
    """Return Referenced Image Sequence (0008,1140), which is wanted, with one item."""
    content = w.element(0x00081150, "UI", CT.encode()) + w.element(0x00081155, "UI", b"1.2.9")
    return w.sequence(0x00081140, w.item(content + extra, defined=defined), defined=defined, **end)


STRAY: dict[str, Callable[[Writer, bytes], bytes]] = {
    "behind a sequence of defined length": lambda w, marks: references(w, defined=True) + marks,
    "behind a sequence of undefined length": lambda w, marks: references(w, defined=False) + marks,
    "behind a plain element": lambda w, marks: w.element(0x00081040, "LO", b"DEPT") + marks,
    "behind a private sequence": lambda w, marks: (
        w.sequence(0x00091001, w.item(b"", defined=True), defined=True) + marks
    ),
    "at the end of an item of defined length": lambda w, marks: w.sequence(
        0x00081140,
        w.item(w.element(0x00081155, "UI", b"1.2.9") + marks, defined=True),
        defined=True,
    ),
    "in an item of defined length": lambda w, marks: w.sequence(
        0x00081140,
        w.item(
            w.element(0x00081150, "UI", b"1.2") + marks + w.element(0x00081155, "UI", b"1.2.9"),
            defined=True,
        ),
        defined=True,
    ),
    "between items of a sequence of defined length": lambda w, marks: w.sequence(
        0x00081140, w.item(b"", defined=True) + marks, w.item(b"", defined=True), defined=True
    ),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("place", STRAY)
@pytest.mark.parametrize(
    "marks", [(ITEM_END,), (SEQUENCE_END,), (ITEM_END, SEQUENCE_END), (SEQUENCE_END,) * 3]
)
def test_stray_delimiters_are_skipped_and_counted(
    syntax: str, place: str, marks: tuple[int, ...]
) -> None:
    w = Writer(syntax)
    whole = read(header_with(w, STRAY[place](w, b"")))
    header = read(header_with(w, STRAY[place](w, b"".join(map(w.mark, marks)))))
    assert values(header) == values(whole) == EXPECTED
    assert isinstance(header, Header)
    assert isinstance(whole, Header)
    assert header.values == whole.values  # the content of the sequence too
    assert (whole.recovered_elements, header.recovered_elements) == (0, len(marks))
    assert header.unreadable_values == 0


def test_an_item_outside_a_sequence_is_malformed() -> None:
    w = Writer("explicit")
    data = header_with(w, w.item(w.element(0x00080050, "SH", b"1"), defined=True))
    assert read(data) is RejectReason.MALFORMED
    assert fault_of(data) == Fault.DELIMITER


@pytest.mark.parametrize("place", ["plain", "item"])
@pytest.mark.parametrize(
    ("number", "length"),
    [(ITEM_END, 4), (SEQUENCE_END, 4), (0xE0FF, 0), (0x0010, 0), (0xE0FF, 4)],
)
def test_a_delimiter_with_a_value_or_of_an_unknown_kind_is_malformed(
    place: str, number: int, length: int
) -> None:
    w = Writer("explicit")
    mark = w.mark(number, length) + b"1234"[:length]
    item = w.item(w.element(0x00081155, "UI", b"1.2.9") + mark, defined=True)
    data = header_with(w, mark if place == "plain" else w.sequence(0x00081140, item, defined=True))
    assert read(data) is RejectReason.MALFORMED
    assert fault_of(data) == Fault.DELIMITER


def private(w: Writer) -> bytes:
    """Return a private creator, for elements (0009,10xx)."""
    return w.element(0x00090010, "LO", b"ACME 1.0")


UNKNOWN_VRS = (b"  ", b"\0\0", b"??", b"lo", b"42", b"RE", b"ZZ", b"A ", b"\xff\xfe", b"-|")


@pytest.mark.parametrize("pixels", ["none", "zeros", "noise", "tissue"])
@pytest.mark.parametrize("vr", UNKNOWN_VRS)
@pytest.mark.parametrize("syntax", ["explicit", "big endian"])
def test_blank_and_unknown_vrs_are_read_with_a_length_of_two_bytes(
    tmp_path: Path, syntax: str, vr: bytes, pixels: str
) -> None:
    w = Writer(syntax)
    data = header_with(w, private(w) + w.element(0x00091001, vr, b"abcd"), PIXELS[pixels])
    header = read(data)
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 1
    if not (vr.isalpha() and vr.isupper()) and pixels == "none" and shutil.which("dcmdump"):
        (tmp_path / "file").write_bytes(data)
        by_dcmdump = dcmdump(tmp_path / "file", "PatientID", "StudyInstanceUID", "PatientName")
        assert by_dcmdump == {k: EXPECTED[k] for k in by_dcmdump or ()} != {}


@pytest.mark.parametrize("vr", UNKNOWN_VRS)
@pytest.mark.parametrize("number", range(2, 11))
def test_a_wanted_element_with_an_unknown_vr_has_its_value(vr: bytes, number: int) -> None:
    w = Writer("explicit")
    made = elements(w)
    made[number] = made[number][:4] + vr + made[number][6:]
    header = read(w.file(b"".join(made) + w.pixels()))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 1


def test_an_unknown_vr_of_a_later_edition_has_a_length_of_four_bytes() -> None:
    w = Writer("explicit")
    new = w.element(0x00091001, "OB", b"abcd").replace(b"OB", b"ZX")
    header = read(header_with(w, private(w) + new))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 1


@pytest.mark.parametrize("value", [b"abcd", b"", bytes(70_000)])
def test_an_element_without_vr_in_an_explicit_data_set_is_read(value: bytes) -> None:
    w, bare = Writer("explicit"), Writer("implicit")
    header = read(header_with(w, private(w) + bare.element(0x00091001, "LO", value)))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 1


@pytest.mark.parametrize("defined", [True, False])
def test_an_unknown_vr_inside_a_wanted_sequence_keeps_the_content_of_the_sequence(
    defined: bool,
) -> None:
    w = Writer("explicit")
    whole = read(header_with(w, references(w, defined=defined)))
    odd = references(w, defined=defined).replace(b"UI\x06\x001.2.9", b"  \x06\x001.2.9")
    header = read(header_with(w, odd))
    assert isinstance(header, Header)
    assert isinstance(whole, Header)
    assert header.values == whole.values
    assert header.recovered_elements == 1


WRONG_LENGTHS = {
    "two short, lower case": (0x00081010, "SH", b"room one", 6),
    "two short, upper case": (0x00081010, "SH", b"ROOM ONE", 6),
    "two short, digits": (0x00081010, "SH", b"ROOM 123", 6),
    "two long": (0x00081010, "SH", b"ROOM ONE", 10),
    "13 for 10": (0x00081090, "LO", b"GENESIS_ZE", 13),
    "odd, padding by a space not counted": (0x00081010, "SH", b"ROOM 12 ", 7),
    "odd, padding by NUL not counted": (0x00081010, "SH", b"ROOM 12\0", 7),
    "none for a value": (0x00081010, "SH", b"ROOM ONE", 0),
    "private, four short": (0x00091001, "LO", b"version seven"[:12], 8),
}


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", WRONG_LENGTHS)
def test_a_wrong_length_makes_a_file_malformed_and_never_half_a_header(
    kind: str, syntax: str, pixels: str
) -> None:
    w = Writer(syntax)
    tag, vr, value, length = WRONG_LENGTHS[kind]
    right = read(header_with(w, w.element(tag, vr, value), PIXELS[pixels]))
    assert values(right) == EXPECTED
    wrong = read(header_with(w, w.element(tag, vr, value, length), PIXELS[pixels]))
    assert wrong in OUT_OF_STEP
    if pixels != "noise":
        assert wrong is RejectReason.MALFORMED


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian"])
@pytest.mark.parametrize("pixels", PIXELS)
def test_a_wrong_length_of_any_element_rejects_the_file_or_leaves_all_other_values(
    syntax: str, pixels: str
) -> None:
    w = Writer(syntax)
    made = elements(w)
    at = 4 if w.implicit else 6
    loaded = 0
    for number, keyword in enumerate(["SOPClassUID", *EXPECTED]):
        length = int.from_bytes(made[number][at : at + 2], "big" if w.order == ">" else "little")
        for change in (-8, -6, -4, -2, -1, 1, 2, 3, 4, 6, 8, 13, 100, 60_000):
            if not 0 <= length + change <= 0xFFFF:
                continue
            declared = (length + change).to_bytes(2, "big" if w.order == ">" else "little")
            wrong = made[number][:at] + declared + made[number][at + 2 :]
            if w.implicit:
                wrong = made[number][:4] + (length + change).to_bytes(4, "little")
                wrong += made[number][8:]
            body = b"".join([*made[:number], wrong, *made[number + 1 :]])
            found = read(w.file(body + (w.pixels(PIXELS[pixels]) if pixels != "none" else b"")))
            if isinstance(found, Header):
                loaded += 1
                others = {k: v for k, v in values(found).items() if k != keyword}
                assert others == {k: v for k, v in EXPECTED.items() if k != keyword}
            else:
                assert found in (*OUT_OF_STEP, RejectReason.NO_SOP_INSTANCE_UID)
    assert loaded == 0


BADLY_ENDED: dict[str, Callable[[Writer], bytes]] = {
    "sequence delimiter in place of the item's": lambda w: w.sequence(
        0x00081140,
        w.item(w.element(0x00081155, "UI", b"1.2.9"), defined=False, end=b""),
        defined=False,
    ),
    "sequence delimiter in place of the item's, and that of the sequence": lambda w: w.sequence(
        0x00081140,
        w.item(w.element(0x00081155, "UI", b"1.2.9"), defined=False, end=w.mark(SEQUENCE_END)),
        defined=False,
    ),
    "sequence without delimiter": lambda w: w.sequence(
        0x00081140,
        w.item(w.element(0x00081155, "UI", b"1.2.9"), defined=False),
        defined=False,
        end=b"",
    ),
    "private sequence, item not ended": lambda w: w.sequence(
        0x00091001,
        w.item(w.element(0x00091002, "LO", b"abcd"), defined=False, end=b""),
        defined=False,
    ),
    "in a sequence of defined length": lambda w: w.sequence(
        0x00081140,
        w.item(w.element(0x00081155, "UI", b"1.2.9"), defined=False, end=w.mark(SEQUENCE_END)),
        defined=True,
    ),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", BADLY_ENDED)
def test_sequences_that_end_badly_are_read(syntax: str, kind: str) -> None:
    w = Writer(syntax)
    header = read(header_with(w, BADLY_ENDED[kind](w)))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    # delimiters of the item and of the sequence are two faults in a sequence of defined length
    assert header.recovered_elements == (2 if kind == "in a sequence of defined length" else 1)
    if "private" not in kind:
        cell = attribute_paths().index(parse_attribute_path("ReferencedImageSequence"))
        assert '"1.2.9"' in (header.values[cell] or "")


def test_elements_again_or_out_of_order_are_read_as_written() -> None:
    w = Writer("explicit")
    for middle, expected in (
        (w.element(0x00020003, "UI", b"1.2.3.1"), {}),
        (w.element(0x00080060, "CS", b"MR"), {"Modality": "MR"}),  # the last one counts
        (w.element(0x00181030, "LO", b"Head") + w.element(0x00080050, "SH", b"1"), {}),
        (w.element(0x00081040, "LO", b"CT head", 7), {}),
        (w.sequence(0x00081140, defined=True), {}),
        (w.sequence(0x00081140, w.item(b"", defined=True), defined=True), {}),
    ):
        header = read(header_with(w, middle))
        assert values(header) == EXPECTED | expected
        assert isinstance(header, Header)
        assert header.recovered_elements == 0


@pytest.mark.parametrize("tag", [0x73280002, 0xFFFF0010, 0x7FE10010, 0x54000110, 0x70531000])
@pytest.mark.parametrize("syntax", ["explicit", "big endian"])
def test_wanted_elements_behind_one_with_a_wrong_high_tag_are_read(tag: int, syntax: str) -> None:
    w = Writer(syntax)
    header = read(header_with(w, w.element(tag, "SH", b"1 ")))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 1


def test_an_element_with_two_faults_is_skipped() -> None:
    w = Writer("explicit")
    creator = w.element(0x70530010, "LO", b"ACME 1.0")
    header = read(header_with(w, creator + w.element(0x70531000, b"  ", b"1 ")))
    assert values(header) == EXPECTED
    assert isinstance(header, Header)
    assert header.recovered_elements == 3  # two tags and a VR


@pytest.mark.parametrize("tag", [0x7FE10010, 0x70531000])
def test_wanted_elements_behind_a_private_one_are_read_without_vrs(tag: int) -> None:
    w = Writer("implicit")
    assert values(read(header_with(w, w.element(tag, "SH", b"1 ")))) == EXPECTED
    for impossible in (0x73280002, 0xFFFF0010):
        data = header_with(w, w.element(impossible, "SH", b"1 "))
        assert read(data) is RejectReason.MALFORMED
        assert fault_of(data) == Fault.TAG


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian"])
@pytest.mark.parametrize("count", [1, 7, 8, 100, 2000])
def test_zeros_after_the_last_element_are_no_element(syntax: str, count: int) -> None:
    """Pixels that are zero look the same to a reader that is out of step."""
    w = Writer(syntax)
    found = read(w.file(b"".join(elements(w)) + bytes(count)))
    if count < 8:
        assert values(found) == EXPECTED
    else:
        assert found is RejectReason.MALFORMED


@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
def test_an_element_after_the_last_wanted_one_has_to_be_inside_the_file(syntax: str) -> None:
    w = Writer(syntax)
    body = b"".join(elements(w))
    later = w.element(0x54001010, "OW", bytes(100))
    assert values(read(w.file(body + later))) == EXPECTED
    assert read(w.file(body + later[:-1])) is RejectReason.TRUNCATED
    assert values(read(w.file(body + w.pixels(bytes(100))[:-1]))) == EXPECTED  # pixels may be cut


def contours(w: Writer, structures: int, slices: int, *, defined: bool) -> bytes:
    """Return ROI Contour Sequence (3006,0039), or content of that shape, as bytes."""
    data = b"\\".join(b"%.2f" % (i * 1.37 % 200) for i in range(120))
    image = w.sequence(
        0x30060016,
        w.item(w.element(0x00081155, "UI", b"1.2.9.8.1"), defined=defined),
        defined=defined,
    )
    contour = w.item(
        image + w.element(0x30060046, "IS", b"40") + w.element(0x30060050, "DS", data),
        defined=defined,
    )
    structure = w.item(
        w.sequence(0x30060040, contour * slices, defined=defined)
        + w.element(0x30060084, "IS", b"1"),
        defined=defined,
    )
    return structure * structures


@pytest.mark.parametrize("tag", [0x30060039, 0x0040A730, 0x00091001])
@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
def test_a_large_sequence_that_is_not_wanted_takes_less_than_a_second(
    tag: int, syntax: str
) -> None:
    w = Writer(syntax)
    found = []
    for defined in (True, False):
        content = contours(w, 104, 320, defined=defined)
        assert len(content) > 27_000_000
        made = elements(w)
        observed = w.sequence(
            0x30060080,
            w.item(w.element(0x300600A6, "PN", b"Invented^Planner"), defined=defined),
            defined=defined,
        )
        parts = [*made, observed, w.sequence(tag, content, defined=defined)]
        parts.sort(key=lambda part: (part[:2][::-1], part[2:4][::-1]))
        file = Bytes(w.file(b"".join(parts)))
        began = time.process_time()
        found.append(FAST.read(file))
        assert time.process_time() - began < 1
        began = time.process_time()
        other = PYDICOM.read(Bytes(file.data))
        assert time.process_time() - began < 2
        assert not differs(found[-1], other)
        assert found[-1].reader == "fast"
    assert found[0] == found[1]
    assert values(found[0]) == EXPECTED
    assert "Invented^Planner" in found[0].values


@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
@pytest.mark.parametrize("uid", ["1.2.3.1", "1.2.003.1"])
def test_a_file_without_preamble_may_have_dicm_in_a_value_and_uids_with_leading_zeros(
    syntax: str, uid: str
) -> None:
    w = Writer(syntax)
    made = elements(w)
    made[1] = w.element(0x00080018, "UI", uid.encode())
    head = b"".join(made[:4])
    start = len(head) + len(w.element(0x00081010, "SH", b""))
    long = b"A" * (128 - start) + b"DICM ROOM "
    body = head + w.element(0x00081010, "SH", long) + b"".join(made[4:]) + w.pixels()
    assert body[128:132] == b"DICM"
    assert values(read(body)) == EXPECTED | {"SOPInstanceUID": uid}
    plain = b"".join(made) + w.pixels()
    assert values(read(plain)) == EXPECTED | {"SOPInstanceUID": uid}
