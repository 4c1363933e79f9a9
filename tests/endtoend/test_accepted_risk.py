"""A line that keeps what the profile protects stops the command, or is a warning of each run."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import add_line, copy_project

from .conftest import Site, files_read

REFUSED = "patients,birth_time,PatientBirthTime,TM,1,time,keep_time,remove,false,,\n"
# the names of a patient, and characters of a regular expression
RISK = "Approved by the board (CompressedSamples^CT1); it's *minutes*."
ACCEPTED = REFUSED.replace("\n", f"{RISK}\n")
ACCEPTED_RISKS = (
    "select table_name, column_name, attribute, accepted_risk from processed.deidentification"
    " where accepted_risk is not null"
)


def test_a_protected_value_is_kept_only_with_an_accepted_risk_which_each_run_reports(
    tmp_path: Path,
) -> None:
    project = copy_project(tmp_path / "project")
    site = Site(tmp_path / "site", project)
    site.put("CT_small.dcm")
    seed = project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv"
    sound = seed.read_text()

    add_line(project, REFUSED)
    number = len(seed.read_text().splitlines())
    for command in ("run", "scan", "status"):
        output = site.command(command, code=2)
        assert f"line {number}: research: keep_time keeps PatientBirthTime" in output
    assert not site.database.exists()
    assert not (site.root / "raw").exists()

    seed.write_text(sound)
    add_line(project, ACCEPTED)
    warning = f"accepted risk: patients.birth_time keeps PatientBirthTime by keep_time: {RISK}"
    assert warning in " ".join(site.run().split())
    assert site.ask(ACCEPTED_RISKS) == [
        ("processed_patients", "birth_time", "PatientBirthTime", RISK)
    ]
    again = site.run()
    assert "nothing has changed" in again and warning in " ".join(again.split())
    assert warning in " ".join(site.command("status").split())

    seed.write_text(sound)
    output = site.run()
    assert files_read(output) == 1 and "accepted risk" not in output
    assert site.ask(ACCEPTED_RISKS) == []
