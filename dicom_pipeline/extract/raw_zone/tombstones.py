"""Tombstones of purged subjects in the raw zone, and the rows and files of these subjects.

Belongs here: tombstones, the lists of known files of purged subjects, finding their rows.
Does not belong here: the steps of a purge (operations.purge), tables of the warehouse, Dagster.

``<raw>/purged/subjects.jsonl`` has one line per subject with the clear identifier, so that it
stays valid when the key is rotated. If a line is removed, the subject is no longer purged: the
next scan finds its files as new. ``<raw>/purged/files/`` saves reading known files again. It has
digests of file names, because a name may reveal more than the identifier.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer, ensure_private_directory
from dicom_pipeline.deid.identifiers import Identifier, IdentifierError, IdentifierKind, identifier
from dicom_pipeline.extract.tables import REJECTED, Tables
from dicom_pipeline.landing.storage import FILE_COLUMNS, FileVersion
from dicom_pipeline.mapping.attribute_mapping import PATIENT_KEYS

_FIELDS = {IdentifierKind.PATIENT: "patient_id", IdentifierKind.STUDY: "study_uid"}


class TombstoneError(ConfigurationError):
    """The tombstones cannot be read; nothing is loaded until this is fixed."""


@dataclass(frozen=True)
class Tombstone:
    """A purged subject.

    Attributes
    ----------
    subject
        A patient (of one issuer, or of all issuers) or a study.
    purged_at
        Time of the purge, ISO 8601.
    receipt
        Name of the receipt that lists what was removed.
    """

    subject: Identifier
    purged_at: str
    receipt: str


class Matcher:
    """Finds the rows of subjects in tables with the key columns of patients.

    Parameters
    ----------
    subjects
        Patients and studies.
    """

    def __init__(self, subjects: Iterable[Identifier]) -> None:
        self._patients: dict[str, list[Identifier]] = {}
        self._studies: dict[str, list[Identifier]] = {}
        for subject in subjects:
            of_kind = self._patients if subject.kind is IdentifierKind.PATIENT else self._studies
            of_kind.setdefault(_bare(subject.value), []).append(subject)

    def __bool__(self) -> bool:
        return bool(self._patients or self._studies)

    def hits(self, rows: pa.Table) -> dict[int, list[Identifier]]:
        """Return the subjects of each matching row, by row number."""
        if not self or not rows.num_rows:
            return {}
        ids, issuers, studies = (rows[name] for name in PATIENT_KEYS)
        candidates = pc.or_(_is_one_of(ids, self._patients), _is_one_of(studies, self._studies))
        found: dict[int, list[Identifier]] = {}
        for index in pc.indices_nonzero(candidates).to_pylist():
            key = (ids[index].as_py(), issuers[index].as_py(), studies[index].as_py())
            if subjects := self._of(*key):
                found[index] = subjects
        return found

    def _of(self, patient_id: str | None, issuer: str | None, study: str) -> list[Identifier]:
        of_patient = self._patients.get(_bare(patient_id or ""), [])
        same_issuer = [
            subject
            for subject in of_patient
            if subject.issuer is None or _bare(subject.issuer) == _bare(issuer or "")
        ]
        return [*same_issuer, *self._studies.get(_bare(study), [])]


def _is_one_of(column: pa.ChunkedArray, wanted: Mapping[str, object]) -> pa.ChunkedArray:
    # there are few distinct values: compare these without padding, then the column as stored
    stored = [v for v in pc.unique(column).to_pylist() if v is not None and _bare(v) in wanted]
    return pc.is_in(column, value_set=pa.array(stored, pa.string()))


def _bare(text: str) -> str:
    """Remove leading and trailing white space; DICOM pads with spaces, files may have others."""
    return text.strip()


class KnownFiles:
    """File versions that are known to belong to purged subjects."""

    def __init__(self, digests: Mapping[int, set[str]]) -> None:
        self._digests = digests  # by size, so that most other files need no digest

    def __contains__(self, file: object) -> bool:
        if not isinstance(file, FileVersion):
            return False
        of_this_size = self._digests.get(file.size)
        return of_this_size is not None and _digest_of_file(file) in of_this_size


class Tombstones:
    """Tombstones of a raw zone, read when the object is created.

    Parameters
    ----------
    raw_dir
        Directory of the raw zone.
    writer
        Writer of its files.

    Raises
    ------
    TombstoneError
        A line is malformed. Skipping it would load the subject again.
    """

    def __init__(self, raw_dir: Path, writer: Writer = LOCAL_WRITER) -> None:
        self._writer = writer
        self.directory = raw_dir / "purged"
        self._subjects = self.directory / "subjects.jsonl"
        self.tombstones = self._read()
        self.matcher = Matcher(tombstone.subject for tombstone in self.tombstones)

    def _read(self) -> list[Tombstone]:
        if not self._subjects.exists():
            return []
        lines = self._subjects.read_bytes().split(b"\n")
        return [
            self._tombstone(number, line)
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]

    def _tombstone(self, number: int, line: bytes) -> Tombstone:
        try:
            entry = json.loads(line)
            kind = next(kind for kind, name in _FIELDS.items() if name in entry)
            subject = identifier(kind, entry[_FIELDS[kind]], entry.get("issuer"))
            return Tombstone(subject, str(entry["purged_at"]), str(entry["receipt"]))
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, IdentifierError):
            raise TombstoneError(
                f"{self._subjects.name} of the raw zone, line {number}: not a tombstone; correct "
                "it, or remove the line to load the subject again"
            ) from None

    def find(self, subject: Identifier) -> Tombstone | None:
        """Return the tombstone of exactly this subject; None if there is none."""
        wanted = subject.canonical
        return next((t for t in self.tombstones if t.subject.canonical == wanted), None)

    def add(self, tombstones: Sequence[Tombstone]) -> None:
        """Write tombstones; they replace older ones of the same subjects."""
        new = {tombstone.subject.canonical for tombstone in tombstones}
        kept = [t for t in self.tombstones if t.subject.canonical not in new]
        self.tombstones = [*kept, *tombstones]
        self.matcher = Matcher(tombstone.subject for tombstone in self.tombstones)
        lines = [json.dumps(_entry(t), ensure_ascii=False) + "\n" for t in self.tombstones]
        ensure_private_directory(self.directory)
        self._writer.write(self._subjects, "".join(lines).encode())

    def files(self) -> KnownFiles:
        """Return the known files of purged subjects."""
        digests: dict[int, set[str]] = {}
        for tombstone in self.tombstones:
            for line in self._files_of(tombstone.subject):
                size, _, digest = line.partition(" ")
                digests.setdefault(int(size), set()).add(digest)
        return KnownFiles(digests)

    def _list(self, subject: Identifier) -> Path:
        name = hashlib.blake2b(subject.canonical.encode(), digest_size=16).hexdigest()
        return self.directory / "files" / f"{name}.txt"

    def _files_of(self, subject: Identifier) -> list[str]:
        path = self._list(subject)
        return path.read_text().splitlines() if path.exists() else []

    def remove_rows(self, tables: Tables) -> tuple[Tables, list[FileVersion]]:
        """Remove the rows of purged subjects; return the remaining rows and the removed files.

        The files are recorded as known files of their subjects. A reject is removed with an image
        of the same path: rejects have no other reference to a subject.
        """
        images = tables["images"]
        hits = self.matcher.hits(images)
        if not hits:
            return tables, []
        of_subject: dict[str, list[FileVersion]] = {}
        subjects: dict[str, Identifier] = {}
        versions = _versions(images.take(pa.array(list(hits), pa.int64())))
        for file, found in zip(versions, hits.values(), strict=True):
            for subject in found:
                subjects[subject.canonical] = subject
                of_subject.setdefault(subject.canonical, []).append(file)
        paths = pa.array(sorted({file.path for file in versions}), pa.string())
        theirs = pc.is_in(tables[REJECTED]["file_path"], value_set=paths)
        rejected = tables[REJECTED].filter(theirs)
        others = [index for index in range(images.num_rows) if index not in hits]
        remaining = {
            **tables,
            "images": images.take(pa.array(others, pa.int64())),
            REJECTED: tables[REJECTED].filter(pc.invert(theirs)),
        }
        for name, files in of_subject.items():
            same = {file.path for file in files}
            rejects = [file for file in _versions(rejected) if file.path in same]
            self._note(subjects[name], [*files, *rejects])
        return remaining, [*versions, *_versions(rejected)]

    def _note(self, subject: Identifier, files: Sequence[FileVersion]) -> None:
        lines = {f"{file.size} {_digest_of_file(file)}" for file in files}
        lines.update(self._files_of(subject))
        path = self._list(subject)
        self._writer.write(path, "".join(f"{line}\n" for line in sorted(lines)).encode())


def _entry(tombstone: Tombstone) -> dict[str, str]:
    subject = tombstone.subject
    entry = {_FIELDS[subject.kind]: subject.value}
    if subject.issuer is not None:
        entry["issuer"] = subject.issuer
    return entry | {"purged_at": tombstone.purged_at, "receipt": tombstone.receipt}


def _versions(rows: pa.Table) -> list[FileVersion]:
    columns = (rows[name].to_pylist() for name in FILE_COLUMNS)
    return [FileVersion(*values) for values in zip(*columns, strict=True)]


def _digest_of_file(file: FileVersion) -> str:
    text = json.dumps([file.path, file.mtime_ns, file.etag])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
