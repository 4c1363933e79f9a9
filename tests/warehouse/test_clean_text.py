"""Free text: identifying parts are removed, descriptions of the images are kept."""

from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.warehouse.removed_words import (
    RemovedWord,
    removed_words,
    write_removed_words,
)
from tests.support.cleaned_texts import DOE, TEXTS

from .archive import file
from .conftest import KEY, Warehouse
from .oracle import Oracle

ORACLE = Oracle(KEY)

# each value ends or begins with a text that a pattern removes together with its neighbour
ENDS = "chest 4/3/12\\3/4/12 head\\4 March\\Doe\\aged 95\\contrast"


def text_file(number: int) -> dict[str, str]:
    patient, text, _ = TEXTS[number]
    extra = {"PatientID": f"{patient['PatientID']}"}
    return file(f"{number}", "1", 1, **(patient | extra), StudyDescription=text)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("texts"))
    warehouse.create()
    warehouse.raw.write("2012-03", [text_file(n) for n in range(len(TEXTS))])
    long = "chest " * 1500 + "Doe " + "head " * 500
    warehouse.raw.write(
        "2012-04",
        [
            file("long", "1", 1, **DOE, StudyDescription=long),
            file("many", "1", 1, **DOE, AdmittingDiagnosesDescription="Doe\\chest\\\\head Doe"),
            file("ends", "1", 1, **DOE, AdmittingDiagnosesDescription=ENDS),
            file("model", "1", 1, **DOE, ManufacturerModelName="ACUSON S2012"),
        ],
    )
    warehouse.build()
    return warehouse


def study(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    key = ORACLE.key("study_key", f"1.2.840.{uid}")
    [row] = warehouse.rows(f"select * from stage.staged_studies where study_key = '{key}'")
    return row


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=[text[1] or "empty" for text in TEXTS])
def test_identifiers_are_removed_and_the_rest_is_kept(texts: Warehouse, number: int) -> None:
    expected = TEXTS[number][2] or None
    assert study(texts, str(number))["study_description"] == expected


def test_a_long_text_is_cleaned_to_its_end(texts: Warehouse) -> None:
    text = study(texts, "long")["study_description"]
    assert text == "chest " * 1500 + "[removed] " + ("head " * 500).strip()


def test_every_value_of_an_attribute_is_cleaned(texts: Warehouse) -> None:
    values = study(texts, "many")["admitting_diagnoses_description"]
    assert values == ["[removed]", "chest", None, "head [removed]"]


def test_removed_parts_do_not_join_neighbouring_values(texts: Warehouse) -> None:
    values = study(texts, "ends")["admitting_diagnoses_description"]
    assert values == [
        "chest [removed]",
        "[removed] head",
        "[removed]",
        "[removed]",
        "[removed]",
        "contrast",
    ]


def test_cleaning_causes_no_failed_cast_and_keeps_every_row(texts: Warehouse) -> None:
    [counts] = texts.rows(
        "select count(*) as all_rows, count(*) filter (where len(failed_casts) > 0) as failed"
        " from stage.staged_studies"
    )
    assert counts == {"all_rows": len(TEXTS) + 4, "failed": 0}


@pytest.mark.check  # dbt runs twice
def test_a_check_warns_with_the_number_of_texts_whose_cleaning_failed(texts: Warehouse) -> None:
    select = ("test", "--select", "cleaned_texts_were_all_cleaned")
    assert "WARN=0" in texts.dbt(*select).stdout
    three = "where text_key in (select distinct text_key from private.cleaned_texts limit 3)"
    texts.execute(f"update private.cleaned_texts set failed = true {three}")
    [failed] = texts.rows("select count(*) as n from private.cleaned_texts where failed")
    done = texts.dbt(*select)
    assert done.returncode == 0
    assert f"WARN {failed['n']} cleaned_texts_were_all_cleaned" in done.stdout
    texts.execute("update private.cleaned_texts set failed = false")


def test_removed_words_are_listed_without_identity_terms_of_any_patient(texts: Warehouse) -> None:
    words = {word.word: word for word in _removed(texts, min_patients=1)}
    assert words["zyxquorn"].texts == words["zyxquorn"].patients == 1
    assert "иванов" in words
    assert not {"doe", "john", "garcia", "holy", "chest", "brainard"} & set(words)
    assert "zyxquorn" not in {word.word for word in _removed(texts, min_patients=2)}


def test_the_list_of_removed_words_is_in_the_raw_zone_and_readable_only_by_its_owner(
    texts: Warehouse, tmp_path: Path
) -> None:
    path = write_removed_words(_removed(texts, min_patients=1), tmp_path)
    assert path == tmp_path / "review" / "removed_words.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    assert lines[0] == "word,texts,rows,patients"
    assert "zyxquorn,1,1,1" in lines


def _removed(warehouse: Warehouse, min_patients: int) -> list[RemovedWord]:
    return removed_words(
        warehouse.database,
        warehouse.raw.root,
        load_mapping(),
        Profile.RESEARCH,
        min_patients=min_patients,
    )


def test_a_name_first_seen_in_a_later_study_is_removed_from_the_earlier_study(
    texts: Warehouse,
) -> None:
    """For example a new family name: only the partitions of that patient are cleaned again."""
    uid = next(n for n, case in enumerate(TEXTS) if case[1] == "right hand, 2 views")
    assert study(texts, str(uid))["study_description"] == "right hand, 2 views"
    texts.execute("update stage.staged_studies set file_count = -1")
    texts.raw.write("2015-01", [file("other", "1", 1, PatientID="somebody-else", **_name("View"))])
    texts.build()
    marked = texts.rows("select * from stage.staged_studies where file_count = -1")
    assert len(marked) == len(TEXTS) + 4
    renamed = DOE | _name("Views^John")
    texts.raw.write("2016-01", [file("later", "1", 1, **renamed)])
    texts.build()
    assert study(texts, str(uid))["study_description"] == "right hand, 2 [removed]"


def _name(name: str) -> dict[str, str]:
    return {"PatientName": name}


def test_a_word_that_the_site_allows_is_kept(texts: Warehouse) -> None:
    uid = next(n for n, case in enumerate(TEXTS) if "Zyxquorn" in case[1])
    site: Path = texts.project / "seeds" / "allowed_words_site.csv"
    with site.open("a") as lines:
        lines.write("zyxquorn,site\n")
    texts.build()
    assert study(texts, str(uid))["study_description"] == "chest Zyxquorn"


def test_a_model_name_that_equals_the_year_of_a_study_is_kept(texts: Warehouse) -> None:
    models = texts.rows("select manufacturer_model_name as model from stage.staged_devices")
    assert "ACUSON S2012" in {row["model"] for row in models}
