"""Series with known geometry, for tests of values computed from positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.dicom import dataset, encoded

AXIAL = (1, 0, 0, 0, 1, 0)
CORONAL = (1, 0, 0, 0, 0, -1)
SAGITTAL = (0, 1, 0, 0, 0, -1)
TILTED = (1, 0, 0, 0, 0.766044, -0.642788)  # by 40 degrees

Vector = Sequence[float]


def along(orientation: Vector, distances: Iterable[float]) -> list[Vector]:
    """Return positions at distances along the normal of a plane."""
    normal = np.cross(orientation[:3], orientation[3:])
    return [tuple(np.round(np.array((7.5, -120.25, 33)) + d * normal, 6)) for d in distances]


# by name: orientation and position of each image, and further attributes
SERIES: dict[str, tuple[list[tuple[Vector, Vector]], dict[str, Any]]] = {
    "chest": (
        [(AXIAL, p) for p in along(AXIAL, np.arange(20) * 1.25)],
        {"BodyPartExamined": "CHEST", "SliceThickness": "1.25"},
    ),
    "chest thick": (
        [(AXIAL, p) for p in along(AXIAL, np.arange(8) * 5.0)],
        {"BodyPartExamined": "CHEST", "SliceThickness": "5", "PatientID": "second"},
    ),
    "tilted": ([(TILTED, p) for p in along(TILTED, np.arange(9) * -3.3)], {}),
    "coronal": ([(CORONAL, p) for p in along(CORONAL, np.arange(6) * 2.0)], {"PatientSex": "F"}),
    "sagittal": ([(SAGITTAL, p) for p in along(SAGITTAL, np.arange(5) * 2.0)], {"PatientSex": "M"}),
    "gap": ([(AXIAL, p) for p in along(AXIAL, [0, 2, 4, 10, 12, 14, 16])], {}),
    "uneven": ([(AXIAL, p) for p in along(AXIAL, [0, 2, 4.3, 6, 8])], {}),
    "nearly even": ([(AXIAL, p) for p in along(AXIAL, [0, 2, 4.01, 6, 8])], {}),
    "two echoes": (
        [(AXIAL, p) for p in along(AXIAL, [0, 0, 4, 4, 8, 8])],
        {"Modality": "MR", "EchoTime": "80", "RepetitionTime": "3000"},
    ),
    "one echo short": ([(AXIAL, p) for p in along(AXIAL, [0, 0, 4, 4, 8])], {"Modality": "MR"}),
    "localizer": ([(o, along(o, [0])[0]) for o in (AXIAL, CORONAL, SAGITTAL)], {}),
    "single": ([(AXIAL, (0, 0, 0))], {}),
    "no plane": ([((1, 0, 0, 1, 0, 0), (0, 0, z)) for z in range(3)], {}),
}


def write_volumes(directory: Path) -> None:
    """Write all series, each in its own study."""
    directory.mkdir(parents=True, exist_ok=True)
    for place, (name, (images, values)) in enumerate(SERIES.items(), 1):
        for number, (orientation, position) in enumerate(images):
            attributes = {
                "PatientID": "first",
                "PatientAge": "067Y",
                "StudyInstanceUID": f"1.2.77.{place}",
                "SeriesInstanceUID": f"1.2.77.{place}.1",
                "StudyDate": f"2014{place:02d}{2 * place:02d}" if place < 13 else "20150303",
                "ImageOrientationPatient": list(orientation),
                "ImagePositionPatient": list(position),
                "InstanceNumber": str(number),
                "Rows": 4,
                "PixelSpacing": ["0.7", "0.8"],
                "DeviceSerialNumber": "1",
                "SoftwareVersions": ["VA1", f"VB{place % 2}"],
            } | values
            made = dataset(f"77.{place}.{number}", **attributes)
            (directory / f"{name} {number}.dcm").write_bytes(encoded(made))
