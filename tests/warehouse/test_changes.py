"""A second build rebuilds only what changed and deletes the rows of missing files.

The tests of this module are steps of one history, in order. A mark that a test writes into a staged
row remains until the partition of the row is rebuilt.
"""

from typing import Any

import pytest

from .archive import MAY, PERIODS, file
from .conftest import KEY, Warehouse
from .oracle import Oracle

ORACLE = Oracle(KEY)
# a partition of a patient that no other partition has
OTHER = "1988"


def mark(warehouse: Warehouse) -> None:
    warehouse.execute("update stage.staged_images set file_size = -1")
    warehouse.execute("update stage.staged_patients set file_count = -1")


def marked_periods(warehouse: Warehouse, table: str, column: str) -> set[str]:
    names = {ORACLE.id("study_period", period): period for period in (*PERIODS, OTHER)}
    rows = warehouse.rows(f"select distinct period_key from stage.{table} where {column} < 0")
    return {names[row["period_key"]] for row in rows}


def marked_images(warehouse: Warehouse) -> set[str]:
    return marked_periods(warehouse, "staged_images", "file_size")


def image(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    key = ORACLE.key("image_key", uid)
    [row] = warehouse.rows(f"select * from processed.processed_images where image_key = '{key}'")
    return row


def test_building_twice_changes_nothing(changing: Warehouse) -> None:
    before = changing.content()
    changing.build()
    assert changing.content() == before


def test_only_changed_partitions_are_rebuilt_and_missing_ones_are_deleted(
    changing: Warehouse,
) -> None:
    changing.raw.write(OTHER, [file("88", "1", 1, PatientID="MRN-88", StudyDate="19880102")])
    changing.build()
    mark(changing)
    changing.raw.write("2012-05", [*PERIODS["2012-05"], file("4", "1", 9, **MAY)])
    changing.raw.remove("2012-03")
    changing.build()
    # the patient of 2012-03, who is in all others but one, has lost terms
    assert marked_images(changing) == {OTHER}
    assert image(changing, "1.2.840.4.1.9")["has_conflict"] is False
    keys = {row["image_key"] for row in changing.rows("from processed.processed_images")}
    assert ORACLE.key("image_key", "1.2.840.1.1.1") not in keys
    twice = image(changing, "1.2.840.1.1.twice")
    assert (twice["instance_number"], twice["instance_versions"]) == (3, 1)


def test_an_attribute_added_by_a_line_becomes_a_typed_column_and_only_its_table_is_rebuilt(
    changing: Warehouse,
) -> None:
    mark(changing)
    with changing.seed.open("a") as seed:
        seed.write("images,kvp,KVP,DS,1,double,keep_number,keep_number,false,,\n")
    changing.raw.write("2012-03", [{**one, "KVP": "120.5"} for one in PERIODS["2012-03"]])
    changing.raw.write_columns()
    changing.build()
    assert marked_images(changing) == set()
    assert marked_periods(changing, "staged_patients", "file_count") == {OTHER}
    assert image(changing, "1.2.840.1.1.1")["kvp"] == 120.5
    assert image(changing, "1.2.840.4.1.1")["kvp"] is None
    twice = image(changing, "1.2.840.1.1.twice")
    assert (twice["instance_number"], twice["instance_versions"]) == (2, 3)


def test_a_changed_partition_is_not_built_alone_without_its_cleaned_texts(
    changing: Warehouse,
) -> None:
    before = changing.content()
    changing.raw.write("2017-01", [file("7", "1", 1, StudyDate="20170102")])
    done = changing.dbt("build", "--select", "identity_digests", "staged_studies")
    assert done.returncode != 0
    assert "dbt build --select +staged_studies" in done.stdout
    assert changing.content() == before
    changing.build()
    assert changing.content() != before


def test_other_rules_of_cleaning_rebuild_all_partitions(changing: Warehouse) -> None:
    mark(changing)
    model = changing.project / "models" / "stage" / "cleaning_rules.py"
    model.write_text(model.read_text().replace("[RULES_VERSION]", "['another version']"))
    changing.build()
    assert marked_images(changing) == set()
    assert marked_periods(changing, "staged_patients", "file_count") == set()


def test_another_definition_of_a_key_rebuilds_only_the_tables_that_have_it(
    changing: Warehouse,
) -> None:
    mark(changing)
    seed = changing.project / "seeds" / "surrogate_key_mapping.csv"
    before = seed.read_text()
    seed.write_text(before.replace("device_key,1,1,key_manufacturer,false\n", ""))
    changing.build()
    assert marked_images(changing) == set()
    assert changing.rows("from stage.staged_patients where file_count < 0") != []
    seed.write_text(before)
    changing.build()


def test_the_strict_profile_removes_values_that_research_keeps(changing: Warehouse) -> None:
    before = changing.rows("select count(*) as n from processed.processed_images")
    changing.build(DICOM_DEID_PROFILE="strict")
    [row] = changing.rows(
        "select count(study_date) as dates, count(study_time) as times, count(patient_age) as ages,"
        " count(study_instance_uid) as uids, count(*) as n from processed.processed_studies"
    )
    assert (row["dates"], row["times"], row["ages"]) == (0, 0, 0)
    assert row["uids"] == row["n"] > 0
    assert changing.rows("select count(*) as n from processed.processed_images") == before


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("devices,oops,Oops,LO,1,text,vanish,remove,false,,\n", "unknown function vanish"),
        ("devices,oops,Oops,LO,1,word,remove,remove,false,,\n", "unknown type word"),
        ("devices,oops,Oops,LO,1,text,keep,remove,false,,\n", "without being reviewed"),
        ("devices,oops,Oops,LO,1,text,keep,remove,true,,\n", "without being reviewed"),
        ("devices,oops,Oops,LO,1,text,keep_code,remove,false,,\n", "without being reviewed"),
        ("devices,oops,Oops,DA,1,date,shift_date,remove,false,,\n", "needs a patient"),
        ("devices,oops,Oops,LO,1,json,clean_text,remove,false,,\n", "apply to type json"),
        ("devices,oops,Oops',LO,1,text,remove,remove,false,,\n", "neither a keyword nor a path"),
        (2 * "devices,oops,Oops,LO,1,text,remove,remove,false,,\n", "appears twice"),
        ("devices,oops,Oops,DA,1,integer,keep_number,remove,false,,A risk.\n", "not fit the VR DA"),
        ("devices,oops,Oops,ZZ,1,text,remove,remove,false,,\n", "not fit the VR ZZ"),
        ("devices,oops,OopsUID,UI,1,text,keep,remove,true,A reason.,\n", "not fit the VR UI"),
        ("devices,oops,Oops,AE,1,text,keep,remove,true,A reason.,\n", "without accepted_risk"),
        (
            "devices,oops,GPSLatitude,DS,3,double,keep_number,remove,false,,\n",
            "without accepted_risk",
        ),
        (
            "devices,oops,OtherPatientIDsSequence[0].PatientID,LO,1,text,pseudonym,remove,false,,\n",
            "without accepted_risk",
        ),
    ],
    ids=[
        "function",
        "type",
        "text that nobody reviewed",
        "text kept without a reason",
        "text kept as a code",
        "date without a patient",
        "text that is no text",
        "attribute",
        "column twice",
        "date kept as a number",
        "unknown VR",
        "UID of an instance",
        "name of a device",
        "coordinates",
        "item of a removed sequence",
    ],
)
def test_an_invalid_line_stops_the_build_and_is_named(
    changing: Warehouse, line: str, problem: str
) -> None:
    sound = changing.seed.read_text()
    changing.seed.write_text(sound + line)
    done = changing.dbt("build", "--select", "anonymization_mapping", "staged_devices")
    changing.seed.write_text(sound)
    assert done.returncode == 1
    assert "anonymization_mapping, devices.oops: " in done.stdout and problem in done.stdout


def test_an_accepted_risk_is_published_under_the_profile_that_takes_it(
    changing: Warehouse,
) -> None:
    sound = changing.seed.read_text()
    text = 'It\'s needed for a study of the site, says "the board".'
    quoted = text.replace('"', '""')
    line = f'patients,born_at,PatientBirthTime,TM,1,time,keep_time,remove,false,," {quoted} "\n'
    changing.seed.write_text(sound + line)
    select = ("build", "--select", "anonymization_mapping", "deidentification")
    named = "select * from processed.deidentification where accepted_risk is not null"
    try:
        done = changing.dbt(*select)
        assert done.returncode == 0, done.stdout
        assert "WARN 1 no_column_keeps_what_the_profile_protects" in done.stdout
        [row] = changing.rows(named)
        assert (row["table_name"], row["column_name"]) == ("processed_patients", "born_at")
        assert (row["attribute"], row["profile"]) == ("PatientBirthTime", "research")
        assert (row["accepted_risk"], row["code_value"]) == (text, None)

        done = changing.dbt(*select, DICOM_DEID_PROFILE="strict")
        assert done.returncode == 0, done.stdout
        assert changing.rows(named) == []
    finally:
        changing.seed.write_text(sound)
    done = changing.dbt(*select)
    assert done.returncode == 0 and "WARN=0" in done.stdout
    assert changing.rows(named) == []
