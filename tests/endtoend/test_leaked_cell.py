"""A cell that identifies its patient is removed, and a column of such cells stops publication."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dicom import dataset, encoded

from .conftest import Site

# Cleaning splits these names into listed words; as one token, they are the issuers of patient ids.
CLINICS = (
    "RadiologyDepartment", "ImagingClinic", "ChestClinic", "HeadClinic", "KneeClinic",
    "SpineClinic",
)  # fmt: skip
ORDINARY = 12
SERVICES = (
    "select requesting_service, count(*) from processed.processed_studies group by 1 order by 1"
)
CELLS = "of stage.staged_studies.requesting_service held an identifier of a patient and"


pytestmark = pytest.mark.check


def put(site: Site, number: int, service: str, issuer: str | None = None) -> None:
    made = dataset(
        number,
        PatientID=f"P-{number}",
        PatientName=f"Quasten{number}^Ada",
        IssuerOfPatientID=issuer,
        StudyInstanceUID=f"1.2.3.100.{number}",
        SeriesInstanceUID=f"1.2.3.200.{number}",
        RequestingService=service,
    )
    (site.landing / f"{number}.dcm").write_bytes(encoded(made))


def plain(output: str) -> str:
    return " ".join(output.split())


def test_single_cells_are_removed_and_a_leaking_column_stops_publication(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for number in range(ORDINARY):
        put(site, number, "Radiology")
    put(site, 100, CLINICS[0], CLINICS[0])

    output = plain(site.run())
    warning = f"warning: 1 cell {CELLS} was removed"
    assert warning in output
    assert CLINICS[0] not in output
    assert site.ask(SERVICES) == [("Radiology", ORDINARY), (None, 1)]
    status = plain(site.command("status"))
    assert warning in status and "nothing to do" in status

    # the changed partition is checked again
    published = site.database.read_bytes()
    for number, clinic in enumerate(CLINICS[1:], start=101):
        put(site, number, clinic, clinic)
    output = plain(site.command("run", code=1))
    assert "failed: published__database" in output
    assert f"stage.staged_studies.requesting_service: {len(CLINICS)} cells" in output
    assert not any(clinic in output for clinic in CLINICS)
    assert site.database.read_bytes() == published

    output = plain(site.run(DICOM_LEAK_LIMIT_PATIENTS="7"))
    assert f"warning: {len(CLINICS)} cells {CELLS} were removed" in output
    assert site.ask(SERVICES) == [("Radiology", ORDINARY), (None, len(CLINICS))]
