"""Readers of this project: `FastReader` with empty caches, or its fallback `PydicomReader`.

Belongs here: opening files and reading them as a worker does.
Does not belong here: other libraries.
"""

from __future__ import annotations

from collections import Counter

from harness import Peer, Texts, Wanted, run

from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected
from dicom_pipeline.landing.directory import LocalFile
from dicom_pipeline.mapping.attribute_mapping import load_mapping


def make(wanted: list[Wanted], option: str) -> Peer:
    silence_pydicom()
    # an attribute path in two tables is read once, as in `ChunkTables`
    attribute_paths = list(dict.fromkeys(a.path for a in load_mapping().attributes))
    reader = PydicomReader(attribute_paths) if option == "pydicom" else FastReader(attribute_paths)
    readers: Counter[str] = Counter()

    def read(path: str) -> Texts:
        file = LocalFile(path)
        try:
            header = reader.read(file)
        except FileRejected as rejected:
            readers[f"rejected: {rejected.reason}"] += 1
            return [None] * len(attribute_paths)
        finally:
            file.close()
        readers[header.reader] += 1
        return header.values

    return Peer(read, about=readers)


if __name__ == "__main__":
    run(make)
