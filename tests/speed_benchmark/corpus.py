"""Corpora of made-up files: the same seed gives the same bytes.

Belongs here: fast encoding of headers, and the folders of the corpora.
Does not belong here: the content of the headers (series, private_elements).

The elements that the images of a series share are encoded once, by pydicom. For each image only the
elements that differ are encoded.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pydicom.config
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.uid import UID

from .private_elements import CHANGING
from .series import Series, day_of, images_of, series

PIXEL_DATA = 0x7FE00010
_PIXELS = bytes(8)


@dataclass(frozen=True)
class Share:
    """The first ``count`` images of a series, optionally with another study date."""

    number: int
    count: int
    day: date | None = None


@dataclass(frozen=True)
class Corpus:
    """Files of one kind in a folder, in the order of writing."""

    kind: str
    folder: Path
    names: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """Return the full paths."""
        return [os.path.join(self.folder, name) for name in self.names]

    @property
    def bytes(self) -> int:
        """Return the total size of the files in bytes."""
        return sum(os.stat(path).st_size for path in self.paths)


class _Encoder:
    """Encoder for the images of one series."""

    def __init__(self, of: Series) -> None:
        self._series = of
        self._syntax = UID(of.syntax)
        self._chance = random.Random(f"bytes/{of.kind}/{of.seed}/{of.number}")
        encodings = convert_encodings(of.common.get("SpecificCharacterSet") or "")
        self._encodings = encodings
        self._common = {int(element.tag): self._element(element) for element in of.common}
        self._common[PIXEL_DATA] = self._pixels()
        self._changing = CHANGING.get(str(of.common.Manufacturer))
        tags = set(self._common) | {_tag(keyword) for keyword in of.changes(0)}
        self._tags = sorted(tags)

    def _element(self, element: DataElement) -> bytes:
        if element.VR == "US or SS":
            element.VR = "US"
        sink = DicomBytesIO()
        sink.is_implicit_VR = self._syntax.is_implicit_VR
        sink.is_little_endian = True
        write_data_element(sink, element, self._encodings)
        return bytes(sink.getvalue())

    def _pixels(self) -> bytes:
        element = DataElement(PIXEL_DATA, "OW", _PIXELS)
        if self._syntax.is_compressed:
            offsets, end = b"\xfe\xff\x00\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
            frame = b"\xfe\xff\x00\xe0\x08\0\0\0" + _PIXELS
            element = DataElement(PIXEL_DATA, "OB", _PIXELS)
            return self._element(element)[:8] + b"\xff" * 4 + offsets + frame + end
        return self._element(element)

    def image(self, number: int) -> bytes:
        """Return the bytes of the file of one image."""
        changes = self._series.changes(number)
        encoded = dict(self._common)
        for keyword, value in changes.items():
            element = DataElement(_tag(keyword), dictionary_VR(keyword), value)
            encoded[_tag(keyword)] = self._element(element)
        if self._changing and self._series.kind == "realistic":
            tag = self._changing[0] << 16 | self._changing[1]
            value = self._series.common[tag].value
            # bytes that vary in the middle of a vendor's header
            value = value[:512] + self._chance.randbytes(256) + value[768:]
            encoded[tag] = self._element(DataElement(tag, "OB", value))
        meta = FileMetaDataset()
        meta.FileMetaInformationVersion = b"\0\1"
        meta.MediaStorageSOPClassUID = self._series.common.SOPClassUID
        meta.MediaStorageSOPInstanceUID = changes["SOPInstanceUID"]
        meta.TransferSyntaxUID = self._syntax
        meta.ImplementationClassUID = UID("2.25.4711")
        meta.ImplementationVersionName = "BENCH"
        sink = DicomBytesIO()
        write_file_meta_info(sink, meta)
        body = b"".join(encoded[tag] for tag in self._tags)
        return bytes(128) + b"DICM" + bytes(sink.getvalue()) + body


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return int(tag)


def shares_of(kind: str, seed: int, files: int, first: int = 0) -> Iterator[Share]:
    """Generate the series of a corpus; the last one is shortened to reach the number of files."""
    number = first
    while files > 0:
        count = min(images_of(kind, seed, number), files)
        yield Share(number, count)
        files -= count
        number += 1


def scattered(kind: str, seed: int, files: int, first: int) -> Iterator[Share]:
    """Generate many series with few files each, spread over as many days as possible."""
    a_series = 5
    for number in range(first, first + -(-files // a_series)):
        yield Share(3 * number, a_series)  # one series per study


def newest_day(kind: str, seed: int, files: int) -> date:
    """Return the last study date of a corpus."""
    return max(day_of(kind, seed, share.number) for share in shares_of(kind, seed, files))


def _write_share(folder: Path, kind: str, seed: int, share: Share) -> list[str]:
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    made = series(kind, seed, share.number, day=share.day)
    encoder = _Encoder(made)
    os.makedirs(folder / made.folder, exist_ok=True)
    names = [f"{made.folder}/{number + 1:05d}.dcm" for number in range(share.count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(encoder.image(number))
    return names


def write(folder: Path, kind: str, seed: int, shares: list[Share], processes: int) -> list[str]:
    """Write series into a folder and return the names of the files."""
    work = partial(_write_share, folder, kind, seed)
    if processes == 1:
        return [name for share in shares for name in work(share)]
    with ProcessPoolExecutor(processes) as pool:
        return [name for names in pool.map(work, shares, chunksize=4) for name in names]


def _form() -> str:
    """Return a digest of the modules that determine the bytes; stored corpora depend on it."""
    names = ("corpus", "series", "header_values", "private_elements")
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in names)
    return hashlib.sha256(b"".join(sources)).hexdigest()[:8]


def corpus(work: Path, kind: str, files: int, seed: int, processes: int = 2) -> Corpus:
    """Return a corpus; generate it unless it is stored already."""
    name = f"{kind}-{seed}-{files}-"
    place = work / "corpora" / f"{name}{_form()}"
    names = place / "names.json"
    if not names.exists():
        for old in (work / "corpora").glob(f"{name}*"):
            shutil.rmtree(old)
        place.mkdir(parents=True)
        made = write(place / "files", kind, seed, list(shares_of(kind, seed, files)), processes)
        names.write_text(json.dumps(made))
    return Corpus(kind, place / "files", tuple(json.loads(names.read_text())))


def elements_of(path: str) -> dict[str, Any]:
    """Return figures of a header: top-level, private and nested elements, and bytes."""
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return {
        "elements": len(dataset),
        "nested": sum(1 for _ in dataset.iterall()) - len(dataset),
        "private": sum(element.tag.is_private for element in dataset),
        "bytes": os.stat(path).st_size,
    }
