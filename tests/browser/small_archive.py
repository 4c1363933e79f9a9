"""Generated archive for the browser test: enough studies for charts, and some faults."""

from __future__ import annotations

import random
from pathlib import Path

from tests.support.dicom import instance

MONTHS = ("201901", "201902", "201903", "201904")
STUDIES = {"CT": (24, 31, 27, 35), "MR": (16, 13, 22, 18), "US": (12, 0, 14, 3)}
NAME = "Undercover^Quentin"
SLICES = (0.0, 2.5, 5.0, 7.5, 12.5, 15.0)  # the slice at 10.0 is missing
REJECTED = {"not_dicom": 4, "no_sop_instance_uid": 2}


def write(folder: Path) -> int:
    """Write the archive; return the number of files to load."""
    chosen = random.Random(7)
    number = 0
    for modality, counts in STUDIES.items():
        for month, studies in zip(MONTHS, counts, strict=True):
            for _ in range(studies):
                number += 1
                day = chosen.randint(1, 28)
                (folder / f"{number:04}.dcm").write_bytes(
                    instance(
                        number,
                        Modality=modality,
                        StudyDate=f"{month}{day:02}",
                        PatientID=f"P{number % 90:05}",
                        PatientName=NAME,
                        StudyDescription="Thorax nativ",
                        StudyInstanceUID=f"1.2.4.{number}",
                        SeriesInstanceUID=f"1.2.5.{number}",
                    )
                )
    for place, position in enumerate(SLICES):
        number += 1
        (folder / f"{number:04}.dcm").write_bytes(
            instance(
                number,
                StudyDate="20190412",
                PatientID="P00001",
                PatientName=NAME,
                StudyInstanceUID="1.2.4.1",
                SeriesInstanceUID="1.2.5.9001",
                InstanceNumber=place + 1,
                ImagePositionPatient=[0.0, 0.0, position],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            )
        )
    for i in range(REJECTED["not_dicom"]):
        (folder / f"notes_{i}.txt").write_text("not an image\n")
    for i in range(REJECTED["no_sop_instance_uid"]):
        (folder / f"broken_{i}.dcm").write_bytes(instance(SOPInstanceUID=None, InstanceNumber=i))
    return number
