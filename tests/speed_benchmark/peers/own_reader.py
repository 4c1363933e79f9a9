"""Our readers: `FastReader` with nothing remembered, or `PydicomReader`, which it falls back on.

Belongs here: opening files and reading them as a worker does.
Does not belong here: other libraries.
"""

from __future__ import annotations

from collections import Counter

from harness import Peer, Texts, Wanted, run

from dicom_pipeline.attributes import load_mapping
from dicom_pipeline.extract.headers.header import FastReader
from dicom_pipeline.extract.headers.pydicom_reader import PydicomReader
from dicom_pipeline.extract.headers.reader import Rejected
from dicom_pipeline.landing.directory import LocalFile
from dicom_pipeline.pydicom_quiet import silence_pydicom


def make(wanted: list[Wanted], option: str) -> Peer:
    silence_pydicom()
    # a reading that two tables have is wanted once, as in `ChunkTables`
    readings = list(dict.fromkeys(a.reading for a in load_mapping().attributes))
    reader = PydicomReader(readings) if option == "pydicom" else FastReader(readings)
    readers: Counter[str] = Counter()

    def read(path: str) -> Texts:
        file = LocalFile(path)
        try:
            header = reader.read(file)
        except Rejected as rejected:
            readers[f"rejected: {rejected.reason}"] += 1
            return [None] * len(readings)
        finally:
            file.close()
        readers[header.reader] += 1
        return header.values

    return Peer(read, about=readers)


if __name__ == "__main__":
    run(make)
