"""The sweep after changes, refused commands, faults, a purge, a key rotation, both profiles."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.project import add_line

from .files import Archive
from .sweeping import SweepResult, SweptSite, sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def swept(site: SweptSite, archive: Archive, what: str) -> SweepResult:
    site.assert_no_other_folder()
    result = sweep(site.places(), archive.needles)
    print(f"\n{what}\n{result.table()}")  # noqa: T201
    assert result.hits == [], result.summary()
    assert result.days == set()
    return result


@contextmanager
def moved_away(folder: Path, *, but: int) -> Iterator[None]:
    """Move most of a folder away, as when a disk is not mounted."""
    aside = folder.with_name("raw") / "aside"
    aside.mkdir()
    moved = sorted(folder.iterdir())[but:]
    for path in moved:
        shutil.move(path, aside / path.name)
    yield
    for path in moved:
        shutil.move(aside / path.name, path)
    aside.rmdir()


@pytest.mark.parametrize("profile", ["research", "strict"])
def test_no_needle_is_found_after_runs_changes_and_refused_commands(
    tmp_path: Path, profile: str
) -> None:
    site = SweptSite(tmp_path, DICOM_DEID_PROFILE=profile)
    archive = Archive()
    archive.first(site.landing)
    site.command("scan")
    site.command("status", code=1)
    site.run()
    site.command("status")
    first = swept(site, archive, f"{profile}, first run")

    with moved_away(site.landing, but=2):
        site.command("scan", code=3)
        site.command("status", code=1)
        site.command("run", code=3)
    archive.second(site.landing)
    site.command("scan")
    site.run()
    site.command("scan", "--accept-deletions")
    site.command("run", "--force")
    second = swept(site, archive, f"{profile}, changed, deleted and added files")
    assert second.needles > first.needles

    site.command("rotate-key", "--yes")
    site.command("purge", "--yes", "--patient-id", archive.people["english"].facts["patient_id"])
    site.command("status")
    swept(site, archive, f"{profile}, another key, and a patient purged")

    other = "strict" if profile == "research" else "research"
    site.run(DICOM_DEID_PROFILE=other)
    swept(site, archive, f"from {profile} to {other}")


def test_errors_contain_no_value(tmp_path: Path) -> None:
    """Errors of casts, of damaged parquet and of the mapping could quote values."""
    site = SweptSite(tmp_path)
    archive = Archive()
    archive.few(site.landing, "CT {family} {own_word}")
    seed = site.project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv"
    mapping = seed.read_text()

    # free text as numbers: no cast succeeds
    for column, type_, function in (
        ("patient_comments,PatientComments,LT,1", "integer", "keep_number"),
        ("occupation,Occupation,SH,1", "double", "keep_number"),
        ("special_needs,SpecialNeeds,LO,1", "integer", "keep_number"),
        ("patient_religious_preference,PatientReligiousPreference,LO,1", "double", "keep_number"),
    ):
        lines = seed.read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(f"patients,{column},"))
        lines[at] = f"patients,{column},{type_},{function},remove,true,To be cast in vain.,A test."
        seed.write_text("\n".join(lines) + "\n")
    site.run()
    swept(site, archive, "casts that fail")

    add_line(site.project, "patients,x,PatientName,PN,1,text,keep,keep,false,,\n")
    site.command("run", code=2)
    seed.write_text(mapping)
    swept(site, archive, "a mapping that keeps a name")

    # damaged parquet from which tables must be built
    failures = 0
    for table in ("patients", "identity_terms", "images"):
        change(seed)
        [file, *_] = sorted((site.root / "raw" / table).rglob("*.parquet"))
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] + b"\xff" * 64 + whole[len(whole) // 2 + 64 :])
        failures += site.attempt("run") != 0
        swept(site, archive, f"broken parquet of {table}")
        file.write_bytes(whole)
    assert failures
    site.run()
    swept(site, archive, "repaired")


def change(seed: Path) -> None:
    """Make stage rebuild everything: switch PatientSex between removed and kept."""
    kept, removed = (f"PatientSex,CS,1,text,{function}," for function in ("keep_code", "remove"))
    text = seed.read_text()
    seed.write_text(text.replace(kept, removed) if kept in text else text.replace(removed, kept))
