"""The items of kept sequences are cleaned: each value by the rules for columns.

The sequences are made by pydicom and read by the project's reader. Expected values are written by
hand or computed by the oracle.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV, MappingError, load_mapping

from .archive import file
from .conftest import KEY, Warehouse
from .oracle import Oracle
from .sequence_files import BROKEN, CT, DOE, FILES, GROUPS, TAMPERED, Who

ORACLE = Oracle(KEY)
SHIFT = timedelta(days=ORACLE.shift_days(ORACLE.patient_key("MRN-4711", "CLINIC")))
Element = dict[str, Any]

RESEARCH = (
    FILES
    | {name: (DOE, {GROUPS: f"[\n{{\n{line}\n}}\n]"}) for name, line in TAMPERED.items()}
    | {name: (DOE, {GROUPS: text}) for name, text in BROKEN.items()}
)
NUMBERS = {name: str(number) for number, name in enumerate(RESEARCH, 600)}


def build(root: Path, files: dict[str, tuple[Who, dict[str, str]]], profile: str) -> Warehouse:
    warehouse = Warehouse(root)
    warehouse.create()
    # strict removes these columns; the test changes that to examine what strict leaves in the items
    warehouse.clean_sequences_under_strict()
    rows = [file(NUMBERS[n], "1", 1, **(who | there)) for n, (who, there) in files.items()]
    warehouse.raw.write("2012-03", [file("500", "1", 2, **DOE), *rows])
    done = warehouse.dbt("build", "--select", "+staged_images", DICOM_DEID_PROFILE=profile)
    assert done.returncode == 0, done.stdout
    return warehouse


@pytest.fixture(scope="module")
def research(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return build(tmp_path_factory.mktemp("research"), RESEARCH, "research")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return build(tmp_path_factory.mktemp("strict"), FILES, "strict")


def row(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    key = ORACLE.key("image_key", uid)
    [found] = warehouse.rows(f"select * from stage.staged_images where image_key = '{key}'")
    return found


def staged(warehouse: Warehouse, name: str) -> dict[str, Any]:
    return row(warehouse, f"1.2.840.{NUMBERS[name]}.1.1")


def items(warehouse: Warehouse, name: str) -> list[dict[str, Element]]:
    found = staged(warehouse, name)
    text = found["referenced_image_sequence"] or found["shared_functional_groups_sequence"]
    made: list[dict[str, Element]] = json.loads(text)
    return made


def raw_items(name: str) -> list[dict[str, Element]]:
    [text] = FILES[name][1].values()
    made: list[dict[str, Element]] = json.loads(text)
    return made


def test_each_value_is_treated_by_its_vr_and_its_tag(research: Warehouse) -> None:
    [one] = items(research, "values")
    day = (datetime(2012, 3, 4) - SHIFT).strftime("%Y%m%d")
    kept = {
        "00080020": [day],
        "0008002A": [f"{day}101112"],
        "00080030": ["101112"],
        "0008103E": ["Chest of [removed], axial"],
        "00101010": ["090Y"],
        "00180015": ["CHEST"],
        "00081160": [1, 2],
        "00209158": ["[removed]: 2 views"],
        "00209167": ["00289110"],
        "00280010": [512],
        "00280030": [0.5, 0.75],
    }
    assert {tag: e["Value"] for tag, e in one.items() if "Value" in e} == kept
    # removed values leave an element without a value
    assert {tag: e["vr"] for tag, e in one.items()} == {
        tag: e["vr"] for tag, e in raw_items("values")[0].items()
    }
    assert staged(research, "values")["failed_casts"] == []


def test_codes_of_the_standard_are_kept_and_codes_of_a_site_are_cleaned_as_text(
    research: Warehouse,
) -> None:
    assert [
        tuple(one[tag].get("Value", [None])[0] for tag in ("00080100", "00080102", "00080104"))
        for one in items(research, "codes")
    ] == [
        ("T-D3000", "SRT", "Chest"),
        ("51185008", "SCT", "Chest of [removed]"),
        (None, "SCT", "Chest"),
        ("[removed]", "SCT", "Chest"),
        ("[removed]", "99[removed]", "axial"),
        ("mm", "UCUM", "mm"),
    ]
    assert staged(research, "codes")["leaked_cells"] == ["shared_functional_groups_sequence"]


def test_a_code_that_names_the_patient_is_removed_unless_the_standard_defines_it(
    research: Warehouse,
) -> None:
    first, second = items(research, "hand")
    assert first["00180015"]["Value"] == ["HAND"]
    assert first["00080008"]["Value"] == ["ORIGINAL", "PRIMARY", None, None]
    assert second["00200060"] == {"vr": "CS"}
    assert staged(research, "hand")["leaked_cells"] == ["shared_functional_groups_sequence"]
    # "left of Doe" is no code, but names the patient
    assert staged(research, "values")["leaked_cells"] == ["shared_functional_groups_sequence"]
    assert staged(research, "more uids")["leaked_cells"] == []


def test_a_reference_has_the_uid_of_the_image_it_refers_to(research: Warehouse) -> None:
    uid = row(research, "1.2.840.500.1.2")["sop_instance_uid"]
    assert uid == ORACLE.uid("1.2.840.500.1.2")
    for name in ("uids", "same text"):
        assert items(research, name) == [
            {"00081150": {"vr": "UI", "Value": [CT]}, "00081155": {"vr": "UI", "Value": [uid]}}
        ]


def test_each_of_several_uids_is_replaced_except_those_of_the_standard(
    research: Warehouse,
) -> None:
    [one] = items(research, "more uids")
    assert one["0008001A"]["Value"] == ["1.2.840.10008.1.2", ORACLE.uid("1.2.840.9"), None]
    assert one["00081155"]["Value"] == [ORACLE.uid(f"{CT}.20120304.1")]


def test_nested_sequences_are_cleaned_or_removed_completely(research: Warehouse) -> None:
    code_of_dcm = {
        "00080100": {"vr": "SH", "Value": ["113691"]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": ["[removed]"]},
    }
    related = {
        "0020000D": {"vr": "UI", "Value": [ORACLE.uid("1.2.840.500")]},
        "0040A170": {"vr": "SQ", "Value": [code_of_dcm]},
    }
    assert items(research, "nested") == [
        {
            "00081072": {"vr": "SQ"},
            "00081250": {"vr": "SQ", "Value": [related, {}]},
            "00280010": {"vr": "US", "Value": [512]},
        },
        {},
        {"00081072": {"vr": "SQ"}, "00081120": {"vr": "SQ"}},
    ]


def test_text_cannot_end_its_json_string(research: Warehouse) -> None:
    first, second = items(research, "hostile")
    assert (list(first), list(second)) == (["00209158", "00280010"], ["00280010"])
    [text] = first["00209158"]["Value"]
    assert "Doe" not in text and "00100010" not in text
    assert text.endswith('": {"vr": "LO", "Value": ["\\chest')


@pytest.mark.parametrize("name", BROKEN)
def test_json_that_extraction_did_not_write_becomes_null_and_is_counted(
    research: Warehouse, name: str
) -> None:
    found = staged(research, name)
    assert found["shared_functional_groups_sequence"] is None
    assert found["failed_casts"] == ["shared_functional_groups_sequence"]


@pytest.mark.parametrize("name", TAMPERED)
def test_a_value_that_does_not_match_its_vr_is_removed(research: Warehouse, name: str) -> None:
    text = staged(research, name)["shared_functional_groups_sequence"]
    assert not re.search("doe|u0044|2012", text, re.IGNORECASE)
    if name not in ("escaped", "object"):  # these are texts, which are cleaned
        [one] = json.loads(text)
        assert [set(element) for element in one.values()] == [{"vr"}]


def test_ten_thousand_items_keep_their_order(research: Warehouse) -> None:
    assert items(research, "many") == raw_items("many")
    assert [one["00081160"]["Value"] for one in items(research, "many")] == [
        [n] for n in range(10_000)
    ]


def test_the_geometry_of_a_multi_frame_object_is_not_changed(research: Warehouse) -> None:
    assert items(research, "multi-frame") == raw_items("multi-frame")
    [one] = items(research, "multi-frame")
    [measures] = one["00289110"]["Value"]
    assert measures["00280030"]["Value"] == [0.810547, 0.810547]


def test_strict_leaves_no_dates_times_texts_or_patient_characteristics(
    strict: Warehouse,
) -> None:
    [one] = items(strict, "values")
    kept = {"00081160": [1, 2], "00180015": ["CHEST"], "00209167": ["00289110"]}
    numbers = {"00280010": [512], "00280030": [0.5, 0.75]}
    assert {tag: e["Value"] for tag, e in one.items() if "Value" in e} == kept | numbers
    assert items(strict, "uids") != raw_items("uids")
    assert items(strict, "codes")[1]["00080104"]["Value"] == ["Chest of [removed]"]
    assert items(strict, "multi-frame") == raw_items("multi-frame")


def test_no_identifier_of_the_patient_remains_anywhere(
    research: Warehouse, strict: Warehouse
) -> None:
    texts = [
        re.sub(r"\[[0-9]+\]", "", str(found[column]))
        for warehouse in (research, strict)
        for found in warehouse.rows("select * from stage.staged_images")
        for column in ("referenced_image_sequence", "shared_functional_groups_sequence")
    ]
    assert len(texts) > 60
    identifying = "doe|brainard|4711|7654321|20120304|19460731|李|娜|clinic|station"
    assert [text[:20] for text in texts if re.search(identifying, text, re.IGNORECASE)] == []


def test_a_sequence_of_a_device_cannot_be_cleaned_without_a_patient(
    tmp_path: Path, strict: Warehouse
) -> None:
    line = "devices,oops,ReferencedImageSequence,SQ,1,json,clean_sequence,remove,false,,\n"
    mapping = tmp_path / MAPPING_CSV.name
    mapping.write_text(MAPPING_CSV.read_text() + line)
    with pytest.raises(MappingError, match="needs a patient"):
        load_mapping(mapping)
    strict.seed.write_text(strict.seed.read_text() + line)
    done = strict.dbt("build", "--select", "anonymization_mapping", "staged_devices")
    assert done.returncode == 1
    assert "devices.oops: clean_sequence needs a patient" in done.stdout


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("7FE00010,PixelData,vanish,remove,\n", "7FE00010: unknown function 'vanish'"),
        ("xyz,PixelData,remove,remove,\n", "xyz: not a tag"),
        ("7FE00010,PixelData,remove,remove,\n" * 2, "7FE00010: duplicate"),
    ],
    ids=["function", "tag", "twice"],
)
def test_an_invalid_line_of_the_seed_stops_the_build_and_is_named(
    research: Warehouse, line: str, problem: str
) -> None:
    seed = research.seed.with_name("sequence_attributes.csv")
    sound = seed.read_text()
    seed.write_text(sound + line)
    done = research.dbt("build", "--select", "sequence_attributes", "cleaned_texts")
    seed.write_text(sound)
    assert done.returncode == 1
    assert f"sequence_attributes, {problem}" in done.stdout
