"""Fuzz test of both header readers: ``python -m tests.headers.fuzz --cases 200000``.

Headers from the pydicom wheel and generated headers are mutated. The fast reader must return the
values of pydicom, or the same reject. Differences are printed with the seed.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.tables import ChunkTables
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, Header, HeaderReader, RejectReason
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.headers.made_headers import made_header
from tests.support.dicom import wheel_files

MADE = 300
LARGEST = 24_000  # maximum size in bytes of a header that is mutated
MOST_READ = 4 << 20
# pydicom rejects these because of elements that the pipeline does not read
ACCEPTED_REASONS = frozenset({RejectReason.DECODE_ERROR})
_INTERESTING = (
    b"\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"SQ", b"UN", b"OB", b"UI", b"  ",
    b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\x08\x00\x05\x00", b"ISO 2022 IR 87", b"ISO_IR 192", b"\\", b"\x1b$B", b"\x7f", b"\xc3\x28",
)  # fmt: skip


@lru_cache
def attribute_paths() -> tuple[AttributePath, ...]:
    """Attribute paths that the pipeline reads."""
    return ChunkTables(
        load_mapping(), IdentityTerms(load_identity_attributes()), load_date_rules()
    ).attribute_paths


class Bytes(OpenFile):
    """A file in memory that records the bytes read from it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        found = self.data[offset : offset + length]
        self.read += len(found)
        return found

    def close(self) -> None:
        pass


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return a header with a few bytes changed, inserted, deleted or moved, or cut off."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(data) - 130) + 128 if len(data) > 140 else 0
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
        elif kind == 2:
            new = chance.choice(_INTERESTING)
            data = data[:at] + new + data[at + len(new) :]
        elif kind == 3:
            data = data[:at] + chance.choice(_INTERESTING) + data[at:]
        elif kind == 4:
            data = data[:at] + data[at + chance.choice((1, 2, 4, 8, 30)) :]
        elif kind == 5:
            data = data[:at]
        elif kind == 6:
            other = chance.randrange(len(data))
            size = chance.choice((2, 4, 8, 12, 40))
            data = data[:at] + data[other : other + size] + data[at + size :]
        else:
            other = chance.randrange(len(data))
            size = chance.choice((8, 12, 40, 200))
            data = data[:at] + data[other : other + size] + data[at:]
        if len(data) < 10:
            break
    return data


def outcome(reader: HeaderReader, data: bytes) -> Header | RejectReason:
    """Return the header of a file, or the reason of its reject."""
    file = Bytes(data)
    try:
        return reader.read(file)
    except FileRejected as rejected:
        return rejected.reason
    finally:
        assert file.read <= MOST_READ


def differs(fast: Header | RejectReason, slow: Header | RejectReason) -> bool:
    """Return whether two outcomes differ, apart from accepted differences."""
    if isinstance(fast, Header) and isinstance(slow, Header):
        return replace(fast, reader="") != replace(slow, reader="")
    if isinstance(fast, Header):
        return slow not in ACCEPTED_REASONS
    return fast != slow


@lru_cache
def headers() -> list[bytes]:
    """Headers to mutate: generated ones, and those of the wheel without pixel data."""
    found = [made_header(number, attribute_paths()) for number in range(MADE)]
    for file in wheel_files():
        data = file.read_bytes()
        pixels = data.find(b"\xe0\x7f\x10\x00")
        data = data[: pixels + 40] if pixels > 0 else data
        if 140 < len(data) <= LARGEST:
            found.append(data)
    return found


def cases(count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Mutated headers, each with the number that reproduces it."""
    sources = headers()
    for number in range(seed, seed + count):
        chance = random.Random(number)
        yield number, mutated(chance.choice(sources), chance)


def main() -> None:
    """Run the cases and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    silence_pydicom()
    fast, slow = FastReader(attribute_paths()), PydicomReader(attribute_paths())
    counts: Counter[str] = Counter()
    different = 0
    for number, data in cases(options.cases, options.seed):
        one, other = outcome(fast, data), outcome(slow, data)
        counts[one.reader if isinstance(one, Header) else one.value] += 1
        if isinstance(one, Header) and isinstance(other, RejectReason):
            counts[f"read by fast reader, rejected by pydicom: {other.value}"] += 1
        if differs(one, other):
            different += 1
            if different <= 20:
                print("different:", number, *(getattr(o, "reader", o) for o in (one, other)))
    print(f"{options.cases} cases, {different} different")
    for name, count in counts.most_common():
        print(f"{count:9,} {name}")


if __name__ == "__main__":
    main()
