"""Series with known geometry, for tests of values computed from positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from tests.support.dicom import dataset, encoded

AXIAL = (1, 0, 0, 0, 1, 0)
CORONAL = (1, 0, 0, 0, 0, -1)
SAGITTAL = (0, 1, 0, 0, 0, -1)
TILTED = (1, 0, 0, 0, 0.766044, -0.642788)  # by 40 degrees
GANTRY = (1, 0, 0, 0, 0.965926, -0.258819)  # by 15 degrees
OBLIQUE = (0.866025, 0.5, 0, -0.433013, 0.75, -0.5)  # normal by 30 degrees from z
ROTATED = (0, 1, 0, -1, 0, 0)  # axial, by 90 degrees in the plane
BENT = (1, 0, 0, 0, 0.999925, 0.012217)  # by 0.7 degrees
FLIPPED = (-1, 0, 0, 0, -1, 0)
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
DOSE = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2", "Modality": "RTDOSE"}

Vector = Sequence[float]
Image = tuple[Vector | None, Vector | None] | tuple[Vector | None, Vector | None, dict[str, Any]]


OTHER = {"PatientID": "geometry"}
# some files have no age, but a birth date
AGES: list[dict[str, Any]] = [
    {"PatientAge": "067Y"},
    {"PatientAge": "067Y", "PatientBirthDate": "19891203"},
    {"PatientBirthDate": "19470510"},
    {"PatientBirthDate": "20140118"},
    {"PatientAge": None, "PatientBirthDate": "20130630"},
    {"PatientAge": "", "PatientBirthDate": "19170807"},
    {"PatientAge": "000Y", "PatientBirthDate": "19240710"},
]
MRI = {"SOPClassUID": MR, "Modality": "MR"}


def along(orientation: Vector, distances: Iterable[float]) -> list[Vector]:
    """Return positions at distances along the normal of a plane."""
    normal = np.cross(orientation[:3], orientation[3:])
    return [tuple(np.round(np.array((7.5, -120.25, 33)) + d * normal, 6)) for d in distances]


def axial(distances: Iterable[float], **attributes: Any) -> list[Image]:
    """Return axial images at distances, with attributes."""
    return [(AXIAL, position, attributes) for position in along(AXIAL, distances)]


def shifted(orientation: Vector, offsets: Iterable[Vector]) -> list[Image]:
    """Return images at offsets in the coordinates of the patient, whatever their normal is."""
    return [(orientation, tuple(7.5 + value for value in offset)) for offset in offsets]


def enhanced(positions: Iterable[Vector]) -> dict[str, Any]:
    """Return the attributes of an image whose geometry is in functional groups."""
    frames = []
    for position in positions:
        plane = Dataset()
        plane.ImagePositionPatient = list(position)
        frame = Dataset()
        frame.PlanePositionSequence = DicomSequence([plane])
        frames.append(frame)
    return {
        "SOPClassUID": ENHANCED_MR, "Modality": "MR", "PixelSpacing": None,
        "ImagePositionPatient": None, "ImageOrientationPatient": None,
        "NumberOfFrames": str(len(frames)), "PerFrameFunctionalGroupsSequence": frames,
    }  # fmt: skip


# by name: orientation and position of each image, and further attributes
SERIES: dict[str, tuple[list[Image], dict[str, Any]]] = {
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
    "oblique": ([(OBLIQUE, p) for p in along(OBLIQUE, np.arange(6) * 2.5)], OTHER),
    "gantry tilt": (shifted(GANTRY, [(0, 0, 4 * z) for z in range(8)]), OTHER),
    "tilt back": (shifted(GANTRY, [(0, 0, -4 * z) for z in range(8)]), OTHER),
    "drift": (shifted(AXIAL, [(3 * z, 0, 5 * z) for z in range(8)]), OTHER),
    "small drift": (shifted(AXIAL, [(0.01 * z, 0, 5 * z) for z in range(8)]), OTHER),
    "wobble": (shifted(GANTRY, [(z % 2, 0, 4 * z) for z in range(8)]), OTHER),
    "bilateral": (shifted(AXIAL, [(150 * (n % 2), 0, n // 2 * 5) for n in range(10)]), OTHER),
    "rotated half": (
        [(AXIAL if d < 12 else ROTATED, p) for d in range(0, 24, 3) for p in along(AXIAL, [d])],
        OTHER,
    ),
    "flipped third": (
        [(AXIAL if d < 18 else FLIPPED, p) for d in range(0, 27, 3) for p in along(AXIAL, [d])],
        OTHER,
    ),
    "bent": (
        [(AXIAL if n < 5 else BENT, (0, 0, 3 * n)) for n in range(9)], OTHER,
    ),
    "radial": (
        [((1, 0, 0, 0, np.cos(a), np.sin(a)), (0, 0, 0)) for a in np.radians([0, 20, 40, 60, 80])],
        OTHER,
    ),
    "jitter of orientation": (
        [((1, 0, 0, 0, 1, 0.004995 + 0.000005 * (n % 3)), (0, 0, 3 * n)) for n in range(7)],
        OTHER,
    ),
    "displaced in the plane": (
        shifted(AXIAL, [(40 * (z > 3), 0, 5 * z) for z in range(8)]), OTHER,
    ),
    "displaced along the normal": (axial([0, 4, 8, 12, 60.7, 64.7, 68.7]), OTHER),
    "time points": (
        [i for t in (1, 2, 3) for i in axial([0, 4, 8, 12], TemporalPositionIndex=t)], OTHER | MRI,
    ),
    "unequal time points": (
        [i for n in (4, 4, 5) for i in axial(np.arange(5)[:n] * 4.0)], OTHER | MRI,
    ),
    "time points with noise": (
        [i for t in (0, 0.02, -0.01) for i in axial(t + np.arange(6) * 1.5)], OTHER | MRI,
    ),
    "time points between each other": (
        axial([0, 4, 8, 12], TemporalPositionIndex=1)
        + axial([2, 6, 10, 14], TemporalPositionIndex=2),
        OTHER | MRI,
    ),
    "mosaic": (
        axial([0] * 4, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], Rows=384),
        OTHER | MRI,
    ),
    "mosaics of a moved table": (
        axial([0, 2, 4], ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]), OTHER | MRI,
    ),
    "scout": ([*axial(np.arange(6) * 5.0), (CORONAL, (-250, 0, 250))], OTHER),
    "three scouts": (
        [(o, (-250, 0, 250)) for o in (CORONAL, SAGITTAL, CORONAL)] + axial(np.arange(4) * 5.0),
        OTHER,
    ),
    "axial localizer": (
        axial(np.arange(6) * 5.0)
        + axial([12.2], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], PixelSpacing=["2", "2"]),
        OTHER,
    ),
    "same position twice": (axial([0, 3, 6, 6, 9]), OTHER),
    "one position": (axial([5] * 4), OTHER | MRI),
    "two gaps": (axial([0, 2, 6, 8, 12]), OTHER),
    "far apart": (axial([0, 2, 90]), OTHER),
    "steps of two grids": (axial([0, 3, 7.4, 10.4, 14.9]), OTHER),
    "micrometers": (
        axial(np.arange(6) * 0.008, PixelSpacing=["0.008", "0.008"]), OTHER,
    ),
    "one micrometer off": (
        axial([0, 0.008, 0.017, 0.024], PixelSpacing=["0.008", "0.008"]), OTHER,
    ),
    "two pixel spacings": (
        axial([0, 3, 6]) + axial([9, 12, 15], PixelSpacing=["0.7", "0.81"]), OTHER,
    ),
    "two sizes": (axial([0, 3, 6]) + axial([9], Rows=6), OTHER),
    "without a position": ([*axial([0, 3, 6]), (AXIAL, None)], OTHER),
    "without an orientation": ([*axial([0, 3, 6]), (None, (0, 0, 9))], OTHER),
    "out of range": ([*axial([0, 3, 6]), (AXIAL, ("1e300", "-1e300", "9e99"))], OTHER),
    "dose": (
        axial([0], NumberOfFrames="5", GridFrameOffsetVector=[0, 2.5, 5, 7.5, 10]), OTHER | DOSE,
    ),
    "dose by z": (
        axial([0], NumberOfFrames="4", GridFrameOffsetVector=[33, 30, 27, 24]), OTHER | DOSE,
    ),
    "two doses": (
        axial([0, 0], NumberOfFrames="3", GridFrameOffsetVector=[0, 2, 4]), OTHER | DOSE,
    ),
    "uneven dose": (
        axial([0], NumberOfFrames="4", GridFrameOffsetVector=[0, 2, 5, 7]), OTHER | DOSE,
    ),
    "dose without offsets": (axial([0], NumberOfFrames="9"), OTHER | DOSE),
    "dose with an offset too few": (
        axial([0], NumberOfFrames="3", GridFrameOffsetVector=[0, 2]), OTHER | DOSE,
    ),
    "frames of a CT": (axial([0], NumberOfFrames="30", SpacingBetweenSlices="2"), OTHER),
    "frames of two CTs": (axial([0, 60], NumberOfFrames="30"), OTHER),
    "frames of an MR": (axial([0], NumberOfFrames="40"), OTHER | MRI),
    "enhanced": ([(None, None)], OTHER | enhanced(along(AXIAL, np.arange(6) * 2.0))),
    "mprage": (
        axial([0, 1, 2], RepetitionTime="2300", EchoTime="2.98", InversionTime="900",
              ScanningSequence=["GR", "IR"], MRAcquisitionType="3D"),
        OTHER | MRI,
    ),
}  # fmt: skip


def decimals(vector: Vector | None) -> list[Any] | None:
    """Return the values of a decimal string, which has up to 16 characters."""
    return None if vector is None else [v if isinstance(v, str) else f"{v:.9g}" for v in vector]


def write_volumes(directory: Path) -> None:
    """Write all series, each in its own study."""
    directory.mkdir(parents=True, exist_ok=True)
    for place, (name, (images, values)) in enumerate(SERIES.items(), 1):
        for number, (orientation, position, *own) in enumerate(images):
            attributes = {
                "PatientID": "first",
                **AGES[place % len(AGES)],
                "StudyInstanceUID": f"1.2.77.{place}",
                "SeriesInstanceUID": f"1.2.77.{place}.1",
                "StudyDate": f"2014{place:02d}{2 * place:02d}" if place < 13 else "20150303",
                "ImageOrientationPatient": decimals(orientation),
                "ImagePositionPatient": decimals(position),
                "InstanceNumber": str(number),
                "Rows": 4,
                "PixelSpacing": ["0.7", "0.8"],
                "DeviceSerialNumber": "1",
                "SoftwareVersions": ["VA1", f"VB{place % 2}"],
            }
            for more in (values, *own):
                attributes |= more
            made = dataset(f"77.{place}.{number}", **attributes)
            (directory / f"{name} {number}.dcm").write_bytes(encoded(made))
