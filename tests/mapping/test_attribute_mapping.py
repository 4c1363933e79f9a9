"""An invalid line of the mapping is refused with a message that names the line."""

from pathlib import Path

import pytest

from dicom_pipeline.mapping.attribute_mapping import (
    MAPPING_CSV,
    MappingError,
    load_mapping,
    parse_attribute_path,
)

GOOD = "images,extra,EchoTime,DS,1,double,keep_number,remove,false,,"


def added(tmp_path: Path, line: str) -> Path:
    path = tmp_path / "anonymization_mapping.csv"
    path.write_text(MAPPING_CSV.read_text() + line + "\n")
    return path


def test_the_mapping_of_the_project_is_valid_and_accepts_a_further_line(tmp_path: Path) -> None:
    count = len(load_mapping().attributes)
    assert count >= 170
    assert len(load_mapping(added(tmp_path, GOOD)).attributes) == count + 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (GOOD.replace("images", "pictures"), "pictures"),
        (GOOD.replace("EchoTime", "EchoTyme"), "EchoTyme"),
        (GOOD.replace("EchoTime", "PatientName"), "vr"),
        (GOOD.replace(",1,", ",2,"), "vm"),
        (GOOD.replace("double", "float"), "float"),
        (GOOD.replace("keep_number", "keep_all"), "keep_all"),
        (GOOD.replace("remove", ""), "strict"),
        (GOOD.replace("false", "maybe"), "maybe"),
        (GOOD.replace("extra", "Extra"), "Extra"),
        (GOOD.replace("extra", "key_study"), "key_study"),
        (GOOD.replace("extra", "image_row"), "image_row"),
        (GOOD.replace("extra", "drop table"), "drop table"),
        (GOOD.replace("extra", "echo_time"), "is also in line"),
        (GOOD + ",more", "11 fields"),
        (GOOD.removesuffix(","), "11 fields"),
        ("images,extra,EchoTime", "11 fields"),
        ("images,extra,StudyDescription,LO,1,text,keep,remove,false,why,", "reviewed"),
        ("images,extra,StudyDescription,LO,1,text,keep,remove,true, ,", "reviewed"),
        ("images,extra,StudyDescription,LO,1,text,remove,keep,false,why,", "reviewed"),
        ("images,extra,StudyDescription,LO,1,text,keep_code,remove,false,why,", "reviewed"),
        ("images,extra,StudyDescription,LO,1,integer,keep_number,remove,false,,", "reviewed"),
        ("images,extra,StudyDescription,LO,1,double,keep,remove,true,,", "reviewed"),
        ("images,extra,StudyDate,DA,1,text,keep_code,remove,false,,", "does not fit StudyDate"),
        ("images,extra,StudyDate,DA,1,text,keep,remove,false,,", "reviewed"),
        ("images,extra,SourceImageSequence,SQ,1,json,keep,remove,false,,", "reviewed"),
        (
            "images,extra,Rows,US,1,text,keep_number,keep_number,false,,",
            "does not apply to type text",
        ),
        (
            "images,extra,SourceImageSequence,SQ,1,text,clean_sequence,remove,false,,",
            "clean_sequence does not apply to type text",
        ),
        (
            "images,extra,ImageComments,LT,1,json,clean_text,remove,false,,",
            "clean_text does not apply to type json",
        ),
        (
            "images,extra,StudyDate,DA,1,date,keep_time,remove,false,,",
            "does not apply to type date",
        ),
        (
            "images,extra,StudyDate,DA,1,date,keep,remove,true,x,",
            "keep does not apply to type date",
        ),
        ("images,extra,OverlayData,OB or OW,1,text,remove,remove,false,,", "keyword"),
        ("images,extra,00091001,UN,1,text,remove,remove,false,,", "keyword"),
        ("devices,extra,DateOfLastCalibration,DA,1-n,date,remove,shift_date,false,,", "a patient"),
        ("images,extra,PixelData,OB or OW,1,text,remove,remove,false,,", "binary"),
        ("images,extra,TransferSyntaxUID,UI,1,text,remove,remove,false,,", "file meta information"),
        ("images,extra,PixelMeasuresSequence.PixelSpacing,DS,2,text,remove,remove,false,,", "item"),
        ("images,extra,PixelMeasuresSequence[0],SQ,1,json,remove,remove,false,,", "item"),
        ("images,extra,EchoTime[0],DS,1,double,remove,remove,false,,", "item"),
        ("images,extra,,DS,1,double,remove,remove,false,,", "keyword"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(
    tmp_path: Path, line: str, message: str
) -> None:
    path = added(tmp_path, line)
    number = len(path.read_text().splitlines())
    with pytest.raises(MappingError, match=f"^{path.name}, line {number}: ") as caught:
        load_mapping(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("attribute", "EchoTyme", "'EchoTyme' is not a keyword of the DICOM dictionary"),
        ("type", "float", "type 'float' is none of"),
        ("research", "vanish", "research 'vanish' is none of"),
        ("strict", "vanish", "strict 'vanish' is none of"),
    ],
)
def test_an_invalid_line_in_the_middle_is_named_by_its_number(
    tmp_path: Path, field: str, value: str, message: str
) -> None:
    lines = MAPPING_CSV.read_text().splitlines()
    number = next(n for n, x in enumerate(lines) if x.startswith("images,echo_time,"))
    fields = lines[number].split(",")
    fields[lines[0].split(",").index(field)] = value
    path = tmp_path / "anonymization_mapping.csv"
    path.write_text("\n".join([*lines[:number], ",".join(fields), *lines[number + 1 :]]))
    with pytest.raises(MappingError, match=f"^{path.name}, line {number + 1}: ") as caught:
        load_mapping(path)
    assert message in str(caught.value)


def test_a_duplicate_column_is_refused_with_both_line_numbers(tmp_path: Path) -> None:
    lines = MAPPING_CSV.read_text().splitlines()
    first = next(n for n, x in enumerate(lines) if x.startswith("images,echo_time,"))
    path = tmp_path / "anonymization_mapping.csv"
    # the other fields of the second line may differ
    twice = lines[first].replace("EchoTime", "FlipAngle").replace("keep_number", "remove")
    path.write_text("\n".join([*lines[: first + 20], twice, *lines[first + 20 :]]))
    message = f"line {first + 21}: images.echo_time is also in line {first + 1}"
    with pytest.raises(MappingError, match=message):
        load_mapping(path)
    path.write_text("\n".join([*lines, twice.replace("images,", "studies,")]))
    assert len(load_mapping(path).attributes) == len(lines)


def test_a_mapping_with_a_wrong_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    for text, message in [("", "line 1"), ("a,b\n1,2\n", "line 1"), ("", "line 1")]:
        path.write_text(text)
        with pytest.raises(MappingError, match=message):
            load_mapping(path)
    lines = MAPPING_CSV.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(x for x in lines if x.startswith("images"))]))
    with pytest.raises(MappingError, match="no column for devices, patients, series, studies"):
        load_mapping(path)


def test_a_mapping_that_is_not_utf8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = added(tmp_path, "")
    number = len(path.read_text().splitlines())
    path.write_bytes(path.read_bytes().rstrip(b"\n") + b"\n" + GOOD.encode() + b"r\xe9sum\xe9")
    with pytest.raises(MappingError, match=f"line {number}: it is not UTF-8"):
        load_mapping(path)


def test_paths_name_attributes_in_sequence_items() -> None:
    attribute_path = parse_attribute_path(
        "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[3].PixelSpacing"
    )
    assert attribute_path.steps == ((0x52009229, 0), (0x00289110, 3))
    assert (attribute_path.tag, attribute_path.vr, attribute_path.first_tag) == (
        0x00280030,
        "DS",
        0x52009229,
    )
