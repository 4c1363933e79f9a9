"""Random headers, written by pydicom from attributes of its dictionary, determined by a seed."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import PersonName

from dicom_pipeline.common.attribute_path import AttributePath

_LETTERS = "ABCÄéžДя山田 12^=.\\/-\t"
_WRITTEN = "ISO_IR 192"
_CHARACTER_SETS = (
    _WRITTEN, "", "ISO_IR 100", "ISO_IR 144", "ISO_IR 101", "GB18030", "ISO_IR 6",
    "\\ISO 2022 IR 87", "ISO 2022 IR 6\\ISO 2022 IR 149", "ISO_IR 999", "ISO_IR_100",
    "ISO_IR 192\\",
)  # fmt: skip
_PLAIN = sorted(
    tag for tag, entry in DicomDictionary.items()
    if 0x00080006 <= tag < 0x60000000 and " or " not in entry[0] and entry[0] not in ("SQ", "NONE")
)  # fmt: skip
_SEQUENCES = sorted(
    tag for tag, entry in DicomDictionary.items() if 0x00080006 < tag < 0x60000000
    and entry[0] == "SQ"
)  # fmt: skip
_BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}


def made_header(number: int, attribute_paths: tuple[AttributePath, ...]) -> bytes:
    """Return a file with random attributes, character set, syntax and private elements."""
    chance = random.Random(number)
    wanted = sorted({attribute_path.first_tag for attribute_path in attribute_paths} - {0x00080005})
    dataset = _dataset(chance, wanted, chance.choice((3, 20, 80)), 0)
    dataset.SpecificCharacterSet = _WRITTEN
    dataset.SOPInstanceUID = f"1.2.{number}"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    if chance.random() < 0.5:
        dataset.PixelRepresentation = chance.randrange(2)
    if chance.random() < 0.7:
        dataset.add(DataElement(Tag(0x7FE00010), "OB", bytes(chance.choice((0, 2, 400)))))
    syntax = chance.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if syntax == JPEG2000 and "PixelData" in dataset:
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].value = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return _in_another_character_set(buffer.getvalue(), chance)


def _in_another_character_set(data: bytes, chance: random.Random) -> bytes:
    """Declare another character set, which may not decode the values, or remove the declaration."""
    tag, written = b"\x08\x00\x05\x00", _WRITTEN.encode()
    chosen = chance.choice(_CHARACTER_SETS).encode()
    chosen += b" " * (len(chosen) % 2)
    for head, code in ((tag + b"CS", "<H"), (tag, "<L")):
        old = head + struct.pack(code, len(written)) + written
        new = head + struct.pack(code, len(chosen)) + chosen
        data = data.replace(old, new if chance.random() < 0.9 else b"", 1)
    return data


def _dataset(chance: random.Random, wanted: list[int], size: int, depth: int) -> Dataset:
    dataset = Dataset()
    for _ in range(size):
        tags = chance.choice((_PLAIN, wanted, _SEQUENCES if depth < 3 else _PLAIN))
        if tag := chance.choice(tags):
            _add(dataset, Tag(tag), chance, wanted, depth)
    if chance.random() < 0.3:
        block = dataset.private_block(chance.choice((0x0009, 0x0029, 0x0051)), "MADE", create=True)
        for offset in range(chance.randrange(4)):
            block.add_new(offset, chance.choice(("UN", "OB", "LO")), b"ab" * chance.randrange(300))
    return dataset


def _add(
    dataset: Dataset, tag: BaseTag, chance: random.Random, wanted: list[int], depth: int
) -> None:
    vr = DicomDictionary[tag][0] if tag in DicomDictionary else "LO"
    if vr == "SQ":
        items = [
            _dataset(chance, wanted, chance.choice((0, 1, 3)), depth + 1)
            for _ in range(chance.choice((0, 1, 1, 2)))
        ]
        for item in items:
            item.is_undefined_length_sequence_item = chance.random() < 0.5
            if depth == 0 and chance.random() < 0.02:
                item.SpecificCharacterSet = "ISO_IR 192"
        element = DataElement(tag, "SQ", Sequence(items))
        element.is_undefined_length = chance.random() < 0.5
        dataset.add(element)
    elif vr != "NONE":
        if " or " in vr:
            vr = "US" if "US" in vr else "OW"
        dataset._dict[tag] = DataElement(tag, vr, _value(vr, chance), already_converted=True)


def _value(vr: str, chance: random.Random) -> Any:
    if vr in _BINARY:
        return bytes(chance.randrange(256) for _ in range(2 * chance.choice((0, 1, 3, 200))))
    if vr == "AT":
        return [chance.randrange(1 << 32) for _ in range(chance.randrange(3))]
    if vr in _NUMBERS:
        code = _NUMBERS[vr]
        count = chance.randrange(3)
        data = bytes(chance.randrange(256) for _ in range(struct.calcsize(code) * count))
        return list(struct.unpack(f"<{count}{code}", data))
    if vr in ("DA", "TM", "DT", "AS", "DS", "IS", "UI", "UR", "CS", "AE"):
        return "\\".join(
            "".join(chance.choice("0123456789. ") for _ in range(chance.randrange(16)))
            for _ in range(chance.choice((1, 1, 2, 3)))
        )
    letters = _LETTERS if vr != "PN" else _LETTERS.replace("\\", "")
    text = "".join(chance.choice(letters) for _ in range(chance.choice((0, 1, 5, 30))))
    return PersonName(text) if vr == "PN" else text
