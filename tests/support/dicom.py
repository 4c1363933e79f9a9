"""DICOM files for tests, written by pydicom."""

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_palette_files
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom_pipeline.common.pydicom_logging import silence_pydicom

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}
silence_pydicom()
CT = "1.2.840.10008.5.1.4.1.1.2"
WHEEL = Path(get_palette_files()[0]).parents[1]


def dataset(number: int | str = 1, **attributes: Any) -> Dataset:
    """Return an instance; attributes with the value None are omitted."""
    values = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SOPClassUID": CT,
        "SOPInstanceUID": f"1.2.3.{number}",
        "StudyDate": "20120304",
        "StudyTime": "101112",
        "Modality": "CT",
        "Manufacturer": "ACME",
        "StudyDescription": "Schädel",
        "PatientName": "Muster^Änne",
        "PatientID": "4711",
        "StudyInstanceUID": "1.2.3.100",
        "SeriesInstanceUID": "1.2.3.200",
        "InstanceNumber": "1",
        "ImagePositionPatient": ["-1.50", "2e1", "3"],
        "Rows": 2,
        "Columns": 2,
        "PixelSpacing": ["0.50", "0.75"],
    } | attributes
    made = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def encoded(made: Dataset, syntax: str = "explicit", *, preamble: bool = True) -> bytes:
    """Return the bytes of a file."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    made.file_meta.MediaStorageSOPClassUID = made.get("SOPClassUID", CT)
    made.file_meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", "1.2.3")
    sink = io.BytesIO()
    if not preamble:
        bare = Dataset()
        bare.update(made)
        pydicom.dcmwrite(
            sink, bare, enforce_file_format=False,
            implicit_vr=syntax == "implicit", little_endian=syntax != "big endian",
        )  # fmt: skip
    else:
        pydicom.dcmwrite(sink, made, enforce_file_format=True)
    return sink.getvalue()


def instance(number: int | str = 1, syntax: str = "explicit", **attributes: Any) -> bytes:
    """Return the bytes of a file with an instance."""
    return encoded(dataset(number, **attributes), syntax)


def wheel_files() -> list[Path]:
    """Return all files in the sample folders of the pydicom wheel."""
    return sorted(
        path
        for folder in ("test_files", "charset_files")
        for path in (WHEEL / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "__init__.py"
    )


def dcmdump(path: Path, *keywords: str) -> dict[str, str] | None:
    """Return the first value of some attributes by DCMTK; None for a file that it cannot read."""
    assert shutil.which("dcmdump"), "the tests need DCMTK's dcmdump (Debian package dcmtk)"
    done = subprocess.run(
        ["dcmdump", "-q", "-M", "+L", "-Un", os.fspath(path)], capture_output=True, check=False
    )
    if done.returncode:
        return None
    found: dict[str, str] = {}
    for line in done.stdout.decode("latin-1").splitlines():
        keyword = line.rsplit(" ", 1)[-1]
        if not line.startswith("(") or keyword not in keywords:  # items of sequences are indented
            continue
        value = line[line.index("[") + 1 : line.rindex("]")] if "[" in line else ""
        if line[12:14] == "UN":  # dcmdump prints values of UN as hexadecimal digits
            value = bytes.fromhex(line[15:].split(" ")[0].replace("\\", "")).decode().strip(" \0")
        found.setdefault(keyword, value)
    return found
