"""`pseudonym`: its output is compared with the published tables and an independent oracle."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from tests.support.dicom import dataset, encoded
from tests.warehouse.oracle import Oracle

from .conftest import Site

KEY = bytes(range(90, 130))
ORACLE = Oracle(KEY)
DECOMPOSED = "Zoe\u0308 7"
# values as in files: padded, composed or decomposed, with characters of other scripts
FILES: list[dict[str, Any]] = [
    {"PatientID": "HOSP-1", "StudyInstanceUID": "1.9.1", "AccessionNumber": "A 77"},
    {"PatientID": " HOSP-1 ", "IssuerOfPatientID": "CLINIC", "StudyInstanceUID": "1.9.2"},
    {"PatientID": "hosp-1", "StudyInstanceUID": "1.9.3"},
    {"PatientID": DECOMPOSED, "IssuerOfPatientID": "\u75c5\u9662", "StudyInstanceUID": "1.9.4"},
    {"PatientID": "0815\U0001f600", "StudyInstanceUID": "1.9.5", "AccessionNumber": "\u00c4-1"},
    {
        "PatientID": "S 1",
        "StudyInstanceUID": "1.9.6",
        "AccessionNumber": "S 1",
        "StudyID": "S 1",
        "DeviceSerialNumber": "S 1",
    },
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("pseudonym"))
    site.environment["DICOM_PSEUDONYM_KEY"] = KEY.hex()
    for number, values in enumerate(FILES):
        study = values["StudyInstanceUID"]
        made = dataset(number, **values, SeriesInstanceUID=f"{study}.5")
        (site.landing / str(number)).write_bytes(encoded(made))
    site.run()
    return site


def ask(site: Site, *arguments: str, stdin: str | bytes = "", code: int = 0) -> list[list[str]]:
    """Run the command and return the cells of its output lines."""
    result = CliRunner().invoke(app, ["pseudonym", *arguments], input=stdin, env=site.environment)
    assert result.exit_code == code, result.output
    return [line.split("\t") for line in result.output.splitlines()]


def test_pseudonyms_equal_those_of_the_published_tables(
    site: Site,
) -> None:
    lines = [
        f"{v['PatientID']}\t{v['IssuerOfPatientID']}" if "IssuerOfPatientID" in v
        else v["PatientID"]
        for v in FILES
    ]  # fmt: skip
    patients = ask(site, "--stdin", stdin="\n".join(lines))
    studies = ask(site, "--stdin", stdin="".join(f"study:{v['StudyInstanceUID']}\n" for v in FILES))
    numbers = ask(site, "--stdin", stdin="accession:A 77\naccession: A\u0308-1 \naccession:S 1\n")
    published = site.ask(
        "select p.patient_key, p.patient_id, s.study_key, s.study_instance_uid, s.accession_number"
        " from processed.processed_studies as s join processed.processed_patients as p"
        " using (patient_key)"
    )
    assert {(*p, *s) for p, s in zip(patients, studies, strict=True)} == {
        row[:4] for row in published
    }
    assert {number for (number,) in numbers} == {row[4] for row in published} - {None}
    series = site.ask("select series_instance_uid from processed.processed_series")
    uids = ask(site, "--stdin", stdin="".join(f"uid:{v['StudyInstanceUID']}.5\n" for v in FILES))
    assert {uid for (uid,) in uids} == {uid for (uid,) in series}


def test_one_identifier_gives_column_names_and_the_values_of_the_oracle(site: Site) -> None:
    assert ask(site, "--patient-id", "HOSP-1", "--issuer", " CLINIC ") == [
        ["patient_key", ORACLE.patient_key("HOSP-1", "CLINIC")],
        ["patient_id", ORACLE.id("PatientID", "HOSP-1")],
    ]
    composed = unicodedata.normalize("NFC", DECOMPOSED)
    assert ask(site, "--patient-id", DECOMPOSED)[0][1] == ORACLE.patient_key(composed)
    assert ask(site, "--study-uid", "1.9.1\0") == [
        ["study_key", ORACLE.key("study_key", "1.9.1")],
        ["study_instance_uid", ORACLE.uid("1.9.1")],
    ]
    assert ask(site, "--uid", "1.2.3") == [["uid", ORACLE.uid("1.2.3")]]
    assert ask(site, "--accession", "7") == [
        ["accession_number", ORACLE.id("AccessionNumber", "7")]
    ]


def test_equal_values_have_equal_pseudonyms_in_all_tables_if_the_attribute_is_the_same(
    site: Site,
) -> None:
    wanted = {
        (attribute.table, attribute.column): ORACLE.id(attribute.attribute, "S 1")
        for attribute in load_mapping().attributes
        if attribute.research == "pseudonym"
    }
    assert len(set(wanted.values())) == 4 < len(wanted)
    for (table, column), pseudonym in wanted.items():
        rows = site.ask(
            f"select count(*) from processed.processed_{table} where {column} = '{pseudonym}'"
        )
        assert rows == [(1,)], (table, column)


def test_a_list_gives_one_output_line_per_input_line_in_order(site: Site) -> None:
    lines = "B\r\nA\tI\nstudy:1\nuid:1\naccession:1\nstudy:1\t\n"
    assert ask(site, "--stdin", stdin=b"\xef\xbb\xbf" + lines.encode()) == [
        [ORACLE.patient_key("B"), ORACLE.id("PatientID", "B")],
        [ORACLE.patient_key("A", "I"), ORACLE.id("PatientID", "A")],
        [ORACLE.key("study_key", "1"), ORACLE.uid("1")],
        [ORACLE.uid("1")],
        [ORACLE.id("AccessionNumber", "1")],
        [
            ORACLE.patient_key("study:1"),
            ORACLE.id("PatientID", "study:1"),
        ],  # a line with a tab is a patient
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ([], ""),
        (["--patient-id", ""], ""),
        (["--patient-id", "SECRET", "--uid", "SECRET"], ""),
        (["--issuer", "SECRET"], ""),
        (["SECRET"], ""),
        (["--stdin"], "SECRET\n\nSECRET"),
        (["--stdin"], "SECRET\tSECRET\tSECRET"),
        (["--stdin"], b"A\nSECRET\xff"),
        (["--stdin", "--uid", "SECRET"], "SECRET"),
    ],
)
def test_invalid_input_gives_a_one_line_error_that_quotes_nothing(
    site: Site, arguments: list[str], stdin: str | bytes
) -> None:
    [line] = ask(site, *arguments, stdin=stdin, code=2)
    assert line[0].startswith("error: ")
    assert "SECRET" not in line[0]


def test_only_the_key_is_needed_and_only_the_audit_is_written(site: Site, tmp_path: Path) -> None:
    empty = {
        "DICOM_RAW_URI": str(tmp_path / "raw"),
        "DICOM_WAREHOUSE_DIR": str(tmp_path / "warehouse"),
        "DICOM_LANDING_URI": str(tmp_path / "landing"),
        "DBT_DATABASE_NAME": str(tmp_path / "x.duckdb"),
    }
    runner = CliRunner(env=site.environment | empty)
    result = runner.invoke(app, ["pseudonym", "--uid", "1.2.3"])
    assert result.output == f"uid\t{ORACLE.uid('1.2.3')}\n"
    without = runner.invoke(app, ["pseudonym", "--uid", "1.2.3"], env={"DICOM_PSEUDONYM_KEY": None})
    assert without.exit_code == 2
    assert [entry.name for entry in os.scandir(tmp_path)] == ["warehouse"]
    assert [entry.name for entry in os.scandir(tmp_path / "warehouse")] == ["audit"]


def test_a_key_other_than_that_of_the_tables_is_refused(site: Site) -> None:
    other = {"DICOM_PSEUDONYM_KEY": bytes(range(1, 50)).hex()}
    result = CliRunner().invoke(app, ["pseudonym", "--uid", "1.2.3"], env=site.environment | other)
    assert result.exit_code == 2
    assert "2.25." not in result.output
