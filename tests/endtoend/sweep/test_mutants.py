"""Deliberately broken rules: which check detects them, and what only the sweep detects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.warehouse.leak_check.check import CheckedFiles, check_for_leaks
from dicom_pipeline.warehouse.leak_check.findings_file import findings_path
from dicom_pipeline.warehouse.leak_check.report import Finding, LeakReport, Limits
from dicom_pipeline.warehouse.vault import vault_path
from tests.deid.test_standard import complaints_about
from tools.deid_standard import Verdict

from .files import Archive
from .sweeping import SweptSite, sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = "dbt_snowflake/seeds/anonymization_mapping.csv"
DESCRIPTION = "studies,study_description,StudyDescription,LO,1,text,"
CLEANED = f"{DESCRIPTION}clean_text,remove,false,,"
KEPT = f"{DESCRIPTION}keep,keep,true,A deliberate break.,A deliberate break."
KEPT_IN_RESEARCH = f"{DESCRIPTION}keep,remove,true,A deliberate break.,A deliberate break."
PEOPLE = 7
OTHERS = 3  # names in texts of other patients


@dataclass(frozen=True)
class Mutant:
    """A broken rule, the descriptions in the files, and the expected result."""

    file: str
    whole: str
    broken: str
    description: str
    published: bool
    nulled: int  # descriptions, at stage
    seen: bool  # by the sweep


MUTANTS = {
    # stage nulls the cells; as these are most of the column, publication stops
    "a text with the patient's own name is kept": Mutant(
        SEED, CLEANED, KEPT, "CT {family}", published=False, nulled=PEOPLE, seen=False
    ),
    # only the sweep can recognize this name
    "a text with a name from nowhere is kept": Mutant(
        SEED, CLEANED, KEPT, "CT {own_word}", published=True, nulled=0, seen=True
    ),
    "dates are shifted by nothing": Mutant(
        "dbt_snowflake/macros/functions/deid_functions.sql", "7 * (52 +", "0 * (52 +",
        "CT", published=False, nulled=0, seen=True,
    ),
}  # fmt: skip


def count_in_build(site: SweptSite, query: str) -> int:
    with duckdb.connect(str(site.root / "warehouse" / "build.duckdb"), read_only=True) as build:
        row = build.execute(query).fetchone()
    return int(row[0]) if row else -1


def build_texts(site: SweptSite, query: str) -> set[str]:
    with duckdb.connect(str(site.root / "warehouse" / "build.duckdb"), read_only=True) as build:
        return {text for (text,) in build.execute(query).fetchall() if text is not None}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_deliberately_broken_rule_is_detected(tmp_path: Path, name: str) -> None:
    mutant = MUTANTS[name]
    site = SweptSite(tmp_path)
    archive = Archive()
    archive.few(site.landing, mutant.description)
    file = site.project / mutant.file
    assert file.read_text().count(mutant.whole) == 1
    file.write_text(file.read_text().replace(mutant.whole, mutant.broken))

    output = site.command("run", code=0 if mutant.published else 1)
    assert ("failed: published__database" in output) != mutant.published
    assert site.database.exists() == mutant.published
    assert count_in_build(site, "select count(*) from stage.staged_studies") == PEOPLE
    cells = "select count(*) from stage.staged_studies where len(leaked_cells) > 0"
    assert count_in_build(site, cells) == mutant.nulled

    result = sweep(site.places(), archive.needles)
    print(f"\n{name}\n{result.table()}")  # noqa: T201
    assert bool(result.hits) == mutant.seen, result.summary()
    if mutant.seen:
        # only in the databases that contain the column
        places = {Path(hit.place.split(":")[0]).name for hit in result.hits}
        assert places <= {"build.duckdb", "dicom.duckdb"}, places
        seen = {hit.needle.text for hit in result.hits}
        assert len(seen | {day.isoformat() for day in result.days}) >= PEOPLE - 1

    # after the repair it is in no table; free pages of the build database may still contain it
    file.write_text(file.read_text().replace(mutant.broken, mutant.whole))
    site.run()
    result = sweep(site.places(), archive.needles)
    assert {hit.place for hit in result.hits} <= {str(site.root / "warehouse" / "build.duckdb")}
    assert result.days == set()


def leaks_in(site: SweptSite) -> LeakReport:
    """Run the leak check on the build database with the current mapping."""
    warehouse = site.root / "warehouse"
    files = CheckedFiles(
        warehouse / "build.duckdb",
        vault_path(warehouse),
        site.root / "raw",
        findings_path(warehouse),
    )
    mapping = load_mapping(site.project / SEED)
    return check_for_leaks(files, mapping, Profile.RESEARCH, Limits())


def test_each_of_three_checks_detects_the_same_broken_rule(tmp_path: Path) -> None:
    """The standard, the leak check and the sweep, each with the same seed and files."""
    site = SweptSite(tmp_path)
    archive = Archive()
    archive.few(site.landing, "CT {family}", people=PEOPLE)
    archive.few(site.landing, "CT {own_word}", people=OTHERS, study=2)
    strangers = {n.text for n, where in archive.needles.planted.items() if "few" in where}
    strangers -= {n.text for n, where in archive.needles.planted.items() if where != {"few"}}
    assert len(strangers) >= OTHERS
    seed = site.project / SEED
    build = site.root / "warehouse" / "build.duckdb"

    # none of them reports the unchanged project
    assert complaints_about(load_mapping(seed)) == {}
    site.run()
    before = leaks_in(site)
    assert before.findings == []
    assert "study_description" not in {found.column for found in before.nulled}
    assert sweep(site.places(), archive.needles).hits == []
    published = site.database.read_bytes()

    assert seed.read_text().count(CLEANED) == 1
    seed.write_text(seed.read_text().replace(CLEANED, KEPT_IN_RESEARCH))

    # the standard reports the column, and a review does not change this
    column = "studies.study_description"
    assert complaints_about(load_mapping(seed)) == {f"research: {column}": [Verdict.KEEPS]}

    # the leak check: cells with patients' own names, nulled by stage, are most of the column
    output = site.command("run", code=1)
    assert "failed: published__database" in output
    found = Finding(
        "stage.staged_studies", "study_description", PEOPLE, "had to be nulled: see its mapping"
    )
    assert leaks_in(site).findings == [found]
    assert site.database.read_bytes() == published

    # the sweep: names in the same column that the pipeline cannot recognize
    result = sweep(site.places(), archive.needles)
    print(f"\nthree nets\n{result.table()}")  # noqa: T201
    assert {hit.place.split(":")[0] for hit in result.hits} == {str(build)}, result.summary()
    seen = {hit.needle.text for hit in result.hits}
    kept = build_texts(site, "select study_description from stage.staged_studies")
    assert len(seen) == len(kept) == OTHERS
    assert seen <= strangers
    assert kept == {f"CT {name}" for name in seen}


def test_the_mapping_refuses_to_keep_a_date(tmp_path: Path) -> None:
    site = SweptSite(tmp_path)
    seed = site.project / SEED
    shifted = "studies,study_date,StudyDate,DA,1,date,shift_date,remove,false,,"
    kept = "studies,study_date,StudyDate,DA,1,date,keep,remove,true,A deliberate break.,A break."
    text = seed.read_text()
    assert shifted in text
    line = text[: text.index(shifted)].count("\n") + 1
    seed.write_text(text.replace(shifted, kept))
    assert f"line {line}:" in site.command("run", code=2)
