"""Archive of small, valid instances, for tests that need many files."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.uid import generate_uid

from .conftest import SAMPLE


def write_instances(directory: Path, count: int, *, series: int = 5, prefix: str = "i") -> None:
    """Write ``count`` CT instances of ``series`` series, over several months of one year.

    UIDs derive from the names, so that the same call writes the same files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    template = dcmread(SAMPLE / "CT_small.dcm")
    template.PixelData = bytes(8)
    template.Rows = template.Columns = 2
    for number in range(count):
        place = number % series
        template.SOPInstanceUID = generate_uid(entropy_srcs=[prefix, "sop", str(number)])
        template.SeriesInstanceUID = generate_uid(entropy_srcs=[prefix, "series", str(place)])
        template.StudyInstanceUID = generate_uid(entropy_srcs=[prefix, "study", str(place // 2)])
        template.PatientID = f"{prefix}-{place // 4}"
        template.StudyDate = f"2019{1 + place % 12:02d}15"
        template.InstanceNumber = number
        template.file_meta.MediaStorageSOPInstanceUID = template.SOPInstanceUID
        template.save_as(directory / f"{prefix}{number:05d}.dcm")
