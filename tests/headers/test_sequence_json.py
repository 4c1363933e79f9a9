"""A sequence in the raw zone is pydicom's DICOM JSON with one element per line."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.landing.directory import LocalFile
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path
from tests.support.dicom import WHEEL, dataset, encoded, wheel_files

SEQUENCE = "RequestAttributesSequence"
LINE = re.compile(
    r'[\[\]{}]|\},|\]\},?|"[0-9A-F]{8}": \{"vr": "SQ", "Value": \['
    r'|"[0-9A-F]{8}": \{"vr": "[A-Z]{2}"(, "Value": \[.+\])?\},?'
)


def read(path: Path, keyword: str) -> str | None:
    file = LocalFile(str(path))
    try:
        header = PydicomReader([parse_attribute_path(keyword)]).read(file)
    finally:
        file.close()
    assert header.unreadable_values == 0
    return header.values[0]


def text_of(
    tmp_path: Path, *items: Dataset, syntax: str = "explicit", **attributes: Any
) -> str | None:
    """Return the text that extraction writes for a sequence with these items."""
    path = tmp_path / "file.dcm"
    path.write_bytes(encoded(dataset(**{SEQUENCE: list(items)}, **attributes), syntax))
    return read(path, SEQUENCE)


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def by_pydicom(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return pydicom's DICOM JSON without padding and the elements that extraction omits."""
    return [
        {tag: expected(element) for tag, element in one.items() if is_known(Tag(int(tag, 16)))}
        for one in items
    ]


def is_known(tag: Any) -> bool:
    try:
        return not tag.is_private and dictionary_VR(tag) != "NONE"
    except KeyError:
        return False


def expected(element: dict[str, Any]) -> dict[str, Any]:
    values = element.get("Value") or []
    if element["vr"] == "SQ":
        values = by_pydicom(values)
    values = [stripped(value) for value in values]
    return {"vr": element["vr"]} | ({"Value": values} if any(v is not None for v in values) else {})


def stripped(value: Any) -> Any:
    if isinstance(value, dict) and set(value) <= {"Alphabetic", "Ideographic", "Phonetic"}:
        return {group: name for group, name in value.items() if name} or None
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value.replace("\0", "")).strip(" ") or None
    return value


def sequences_of_the_wheel() -> list[tuple[str, str]]:
    found = []
    for path in wheel_files():
        if path.name == "rtplan_truncated.dcm":  # cut off in a sequence, so the file is rejected
            continue
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            keywords = [e.keyword for e in header if e.VR == "SQ" and e.value and e.keyword]
        except Exception:
            continue
        if "SOPInstanceUID" in header:
            found += [(str(path.relative_to(WHEEL)), keyword) for keyword in keywords]
    return found


SAMPLES = sequences_of_the_wheel()
assert len(SAMPLES) >= 50  # ensures that enough sequences are compared


@pytest.mark.parametrize(("name", "keyword"), SAMPLES)
def test_the_json_of_a_sequence_equals_the_dicom_json_of_pydicom(name: str, keyword: str) -> None:
    text = read(WHEEL / name, keyword)
    assert text is not None
    element = pydicom.dcmread(WHEEL / name, stop_before_pixels=True)[keyword]
    model = element.to_json_dict(bulk_data_element_handler=lambda _: "", bulk_data_threshold=0)
    assert json.loads(text) == by_pydicom(model["Value"])


@pytest.mark.parametrize(("name", "keyword"), SAMPLES)
def test_every_element_is_on_its_own_line_in_tag_order(name: str, keyword: str) -> None:
    text = read(WHEEL / name, keyword)
    assert text is not None
    lines = text.split("\n")
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ("[", "{", "}", "]")
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    for one in json.loads(text):
        assert list(one) == sorted(one)


def test_the_test_data_has_many_nested_sequences() -> None:
    texts = [read(WHEEL / name, keyword) or "" for name, keyword in SAMPLES]
    assert len(texts) > 50
    assert sum(text.count('"vr": "SQ"') for text in texts) > 50
    assert max(len(text.split("\n")) for text in texts) > 100


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian", "deflated"])
def test_strings_cannot_end_their_json_line(tmp_path: Path, syntax: str) -> None:
    hostile = 'a"]},\r\n{"00100010": {"vr": "LO", "Value": ["\\b\t\u2028\u00e9\x7f'
    text = text_of(tmp_path, item(RequestedProcedureComments=hostile, PatientID='"'), syntax=syntax)
    assert text is not None
    assert len(text.split("\n")) == 6
    assert json.loads(text)[0]["00401400"]["Value"] == [hostile]


def test_private_unknown_and_binary_elements_are_omitted_at_any_depth(tmp_path: Path) -> None:
    inner = item(PatientID="kept")
    inner.add_new(0x00091001, "LO", "private")
    inner.add_new(0x00080003, "LO", "unknown")
    inner.add_new(0x00720065, "OB", b"binary")
    outer = item(ScheduledProtocolCodeSequence=[inner])
    outer.add_new(0x00090010, "LO", "creator")
    outer.add_new(0x00091002, "SQ", [item(PatientID="private")])
    text = text_of(tmp_path, outer)
    assert text is not None
    kept = {"00100020": {"vr": "LO", "Value": ["kept"]}, "00720065": {"vr": "OB"}}
    assert json.loads(text) == [{"00400008": {"vr": "SQ", "Value": [kept]}}]


@pytest.mark.parametrize("vr", ["IS", "UI", "DS", "CS", "US", "OB", "DA", "SQ", "UN"])
def test_the_vr_of_the_dictionary_is_used_and_not_that_of_the_file(tmp_path: Path, vr: str) -> None:
    """De-identification depends on the VR: an identifier must not be treated as a number."""
    value: Any = {"US": 4711, "OB": b"4711", "UN": b"4711", "SQ": [item(PatientID="1")]}.get(vr)
    one = item()
    one.add_new(0x00100020, vr, value or "4711")
    text = text_of(tmp_path, one)
    assert text is not None
    element = json.loads(text)[0]["00100020"]
    assert element["vr"] == "LO"
    assert element.get("Value") == (None if vr in ("OB", "SQ") else ["4711"])


def test_an_item_may_have_its_own_character_set(tmp_path: Path) -> None:
    latin = item(SpecificCharacterSet="ISO_IR 100", RequestedProcedureDescription="Schädel")
    inherited = item(
        RequestedProcedureDescription="肝臓", ScheduledProtocolCodeSequence=[item(CodeMeaning="肝")]
    )
    text = text_of(tmp_path, latin, inherited)
    assert text is not None
    first, second = json.loads(text)
    assert first["00321060"]["Value"] == ["Schädel"]
    assert second["00321060"]["Value"] == ["肝臓"]
    assert second["00400008"]["Value"][0]["00080104"]["Value"] == ["肝"]


def test_pixel_representation_determines_whether_a_number_is_signed(tmp_path: Path) -> None:
    for signed, vr, value in [(1, "SS", -2), (0, "US", 65534)]:
        mapping = item()
        mapping.add_new(0x00409211, vr, value)
        text = text_of(tmp_path, mapping, syntax="implicit", PixelRepresentation=signed)
        assert text is not None
        assert json.loads(text) == [{"00409211": {"vr": vr, "Value": [value]}}]


@pytest.mark.parametrize(
    ("tag", "vr", "written", "values"),
    [
        (0x00280030, "DS", b"1.50", [1.5]),
        (0x00280030, "DS", b"+.5\\\\ 2. \\007\\1E2", [0.5, None, 2.0, 7.0, 100.0]),
        (0x00280030, "DS", b"1e999\\12 mm\\nan", ["1e999", "12 mm", "nan"]),
        (0x00200013, "IS", b"-012\\+3", [-12, 3]),
        (0x00189087, "FD", bytes.fromhex("000000000000f87f"), ["nan"]),
        (0x00189087, "FD", bytes.fromhex("182d4454fb210940"), [3.141592653589793]),
        (0x00209165, "AT", bytes.fromhex("08005511"), ["00081155"]),
        (0x00280010, "US", bytes.fromhex("00020001"), [512, 256]),
    ],
)
def test_a_numeric_value_is_a_json_number_or_remains_text(
    tmp_path: Path, tag: int, vr: str, written: bytes, values: list[object]
) -> None:
    one = Dataset()
    one[tag] = pydicom.dataelem.RawDataElement(
        Tag(tag), vr, len(written), written, 0, is_implicit_VR=False, is_little_endian=True
    )
    text = text_of(tmp_path, one)
    assert text is not None
    assert json.loads(text) == [{f"{tag:08X}": {"vr": vr, "Value": values}}]


def test_an_empty_element_differs_from_an_absent_one(tmp_path: Path) -> None:
    assert text_of(tmp_path) is None
    assert text_of(tmp_path, item()) == "[\n{\n}\n]"
    empty = item(PatientID="", ScheduledProtocolCodeSequence=[])
    text = text_of(tmp_path, empty, item(), item(ScheduledProtocolCodeSequence=[item()]))
    assert text is not None
    assert json.loads(text) == [
        {"00100020": {"vr": "LO"}, "00400008": {"vr": "SQ"}},
        {},
        {"00400008": {"vr": "SQ", "Value": [{}]}},
    ]
