"""Conversion of headers to rows of the raw tables, and of rows to Arrow tables.

Belongs here: columns of the raw tables, digests of rows, the choice between duplicate files.
Does not belong here: reading headers (headers), processes (pool), parquet files (raw_zone).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from operator import itemgetter, le

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.computed_age import ComputedAge, age_attribute_paths
from dicom_pipeline.extract.date_judge import DateJudge
from dicom_pipeline.extract.instance_rules import reject_reason
from dicom_pipeline.headers.reader import Header, RejectReason
from dicom_pipeline.landing.storage import FILE_COLUMNS, FileVersion
from dicom_pipeline.mapping.attribute_mapping import (
    ENTITIES,
    KEY_COLUMNS,
    PATIENT_KEYS,
    AttributeMapping,
    parse_attribute_path,
)
from dicom_pipeline.mapping.date_rules import STUDY_DATE, DateRules, day_of

REJECTED = "rejected_files"
IDENTITY_TERMS = "identity_terms"
RAW_TABLES = (*ENTITIES, IDENTITY_TERMS, REJECTED)
# tables with one row per distinct combination of values; images reference the rows by digest
GROUPED = tuple(table for table in (*ENTITIES, IDENTITY_TERMS) if table != "images")
# tables with one row per file; each file is in exactly one of them
WITH_FILES = ("images", REJECTED)

Tables = dict[str, pa.Table]

# column of the entities: names of their columns whose date cannot be true, with commas between
IMPLAUSIBLE_DATES = "implausible_dates"

_FILE = dict(zip(FILE_COLUMNS, (pa.string(), pa.int64(), pa.int64(), pa.string()), strict=True))
_INSTANCE = {
    "transfer_syntax_uid": pa.string(),
    "reader": pa.string(),
    "unreadable_values": pa.int64(),
    "recovered_elements": pa.int64(),
    "computed_age": pa.string(),
    "header_digest": pa.string(),
    **{f"{table}_row": pa.string() for table in GROUPED},
}
# attributes of the key columns; the creation date orders images with one SOP Instance UID
_IDENTITY = {
    "key_patient_id": "PatientID",
    "key_issuer_of_patient_id": "IssuerOfPatientID",
    "key_study": "StudyInstanceUID",
    "key_series": "SeriesInstanceUID",
    "key_sop": "SOPInstanceUID",
    "key_manufacturer": "Manufacturer",
    "key_manufacturer_model_name": "ManufacturerModelName",
    "key_device_serial_number": "DeviceSerialNumber",
    "key_station_name": "StationName",
    "key_institution_name": "InstitutionName",
}
_DERIVED = ("key_study", "key_series", "key_created")
_CREATED = ("InstanceCreationDate", "InstanceCreationTime")


def table_schema(mapping: AttributeMapping, table: str) -> pa.Schema:
    """Return the schema of a raw table, without the column that writing adds (``raw_version``)."""
    if table == REJECTED:
        texts = ["outcome", "reason", "fault"]
        return pa.schema({**_FILE, **dict.fromkeys(texts, pa.string())})
    if table == IDENTITY_TERMS:
        texts = [*PATIENT_KEYS, "terms"]
    else:
        texts = [*KEY_COLUMNS[table], *(a.column for a in mapping.table(table)), IMPLAUSIBLE_DATES]
    columns: dict[str, pa.DataType] = dict.fromkeys(texts, pa.string())
    if table == "images":
        return pa.schema({**_FILE, **columns, **_INSTANCE, "file_outcome": pa.string()})
    return pa.schema({**columns, "row_digest": pa.string(), "file_count": pa.int64()})


def digest_of(values: Iterable[str | None]) -> str:
    """Return the digest of a row.

    Values have no NUL and are never empty, so that different rows give different texts.
    """
    text = "\0".join([v or "" for v in values])
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


class ChunkTables:
    """Collects the headers of files into one Arrow table per raw table.

    Parameters
    ----------
    mapping
        The columns.
    terms
        The attributes that are read for identity terms, and their conversion to terms.
    date_rules
        Which dates cannot be true.
    allow_missing_uids
        Whether instances without the UID of their study or series have rows.
    """

    def __init__(
        self,
        mapping: AttributeMapping,
        terms: IdentityTerms,
        date_rules: DateRules,
        *,
        allow_missing_uids: bool = False,
    ) -> None:
        self.mapping = mapping
        self.terms = terms
        self._allow_missing_uids = allow_missing_uids
        identity = [parse_attribute_path(keyword) for keyword in (*_IDENTITY.values(), *_CREATED)]
        study_date = parse_attribute_path(STUDY_DATE)
        sop_class = parse_attribute_path("SOPClassUID")
        wanted = [a.path for a in mapping.attributes]
        self.attribute_paths: tuple[AttributePath, ...] = tuple(
            dict.fromkeys(
                (
                    *identity, study_date, sop_class, *age_attribute_paths(), *wanted,
                    *terms.attribute_paths,
                )
            )
        )  # fmt: skip
        index = {attribute_path: i for i, attribute_path in enumerate(self.attribute_paths)}
        self._identity = {
            name: index[attribute_path]
            for name, attribute_path in zip(_IDENTITY, identity, strict=False)
        }
        self._created = [index[attribute_path] for attribute_path in identity[len(_IDENTITY) :]]
        # derived keys are appended to the values of the header
        derived = {name: len(self.attribute_paths) + i for i, name in enumerate(_DERIVED)}
        keys = self._identity | derived
        self._row_of = {
            table: _picker(
                [keys[name] for name in KEY_COLUMNS[table]]
                + [index[a.path] for a in mapping.table(table)]
            )
            for table in ENTITIES
        }
        self._study_date = index[study_date]
        self._sop_class = index[sop_class]
        self._dates = {table: DateJudge(mapping, table, index, date_rules) for table in ENTITIES}
        self._ages = ComputedAge(index, date_rules)
        self._patient_of = _picker([keys[name] for name in PATIENT_KEYS])
        self._identifying = _picker(
            [index[attribute_path] for attribute_path in terms.attribute_paths]
        )
        self._schemas = {table: table_schema(mapping, table) for table in RAW_TABLES}
        self.begin()

    def begin(self) -> None:
        """Start new tables and discard the current rows."""
        self._images: list[tuple[object, ...]] = []
        # digests of rows by their values: most headers repeat the values of the previous one
        self._rows: dict[str, dict[tuple[str | None, ...], str]] = {t: {} for t in GROUPED}
        self._rejected: list[tuple[object, ...]] = []

    def add(self, file: FileVersion, header: Header) -> None:
        """Add the header of one file, or reject the file if it is no instance of a study."""
        reason = reject_reason(
            header.values[self._sop_class],
            header.values[self._identity["key_study"]],
            header.values[self._identity["key_series"]],
            allow_missing_uids=self._allow_missing_uids,
        )
        if reason is not None:
            self.reject(file, reason)
            return
        values = [*header.values, *self._derived(header.values)]
        modified = day_of(file.mtime_ns)
        rows = []
        for table in GROUPED:
            row = (
                self._terms_row(values)
                if table == IDENTITY_TERMS
                else self._entity_row(table, values, modified)
            )
            known = self._rows[table]
            digest = known.get(row)
            if digest is None:
                digest = known[row] = digest_of(row)
            rows.append(digest)
        own = self._entity_row("images", values, modified)
        self._images.append(
            (
                *_version(file),
                *own,
                header.transfer_syntax_uid,
                header.reader,
                header.unreadable_values,
                header.recovered_elements,
                self._ages.of(values, modified),
                digest_of((*own, *rows)),
                *rows,
                None,
            )
        )

    def _entity_row(
        self, table: str, values: Sequence[str | None], modified: date
    ) -> tuple[str | None, ...]:
        implausible = self._dates[table].implausible(values, values[self._study_date], modified)
        return (*self._row_of[table](values), implausible)

    def _derived(self, values: Sequence[str | None]) -> tuple[str | None, ...]:
        """Return the values of the columns ``_DERIVED``."""
        # a file without UIDs of its series and study is a series and a study of its own
        series = values[self._identity["key_series"]] or values[self._identity["key_sop"]]
        study = values[self._identity["key_study"]] or series
        date, time = (values[i] for i in self._created)
        digits = date or ""
        if not digits.isdigit():
            digits = "".join(c for c in digits if c.isdigit())
        return study, series, digits + (time or "").replace(":", "") if digits else None

    def _terms_row(self, values: Sequence[str | None]) -> tuple[str | None, ...]:
        return (*self._patient_of(values), self.terms.of(self._identifying(values)))

    def reject(self, file: FileVersion, reason: RejectReason, fault: str | None = None) -> None:
        """Add a file without a row in the images, with the kind of the fault in its header."""
        self._rejected.append((*_version(file), reason.outcome, reason.value, fault))

    def finish(self) -> Tables:
        """Return the current rows as one Arrow table per raw table, and start new tables."""
        rows: dict[str, list[tuple[object, ...]]] = {
            "images": self._images,
            REJECTED: self._rejected,
            **{
                table: [(*values, digest, 0) for values, digest in self._rows[table].items()]
                for table in GROUPED
            },
        }
        self.begin()
        return {table: rows_to_arrow(rows[table], self._schemas[table]) for table in RAW_TABLES}


def _picker(indices: Sequence[int]) -> Callable[[Sequence[str | None]], tuple[str | None, ...]]:
    """Return a function that selects values by index, always as a tuple, unlike ``itemgetter``."""
    if len(indices) == 1:
        return lambda values: (values[indices[0]],)
    return itemgetter(*indices)


def _version(file: FileVersion) -> tuple[object, ...]:
    return (file.path, file.size, file.mtime_ns, file.etag)


def rows_to_arrow(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    """Convert rows to an Arrow table."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def finalize_partition(tables: Tables) -> Tables:
    """Return the final rows of a partition, independent of the order in which files were read.

    Of files with the same SOP Instance UID and the same header, the first by path is ``loaded``
    and the others are ``duplicate``. Other tables keep the rows that a loaded file references;
    ``file_count`` is the number of these files.
    """
    images = _mark_duplicates(tables["images"])
    pointers = images.select([f"{table}_row" for table in GROUPED])
    loaded = pointers.filter(pc.equal(images["file_outcome"], "loaded"))
    final = {"images": images, REJECTED: _by_path(tables[REJECTED])}
    for table in GROUPED:
        counts = loaded[f"{table}_row"].value_counts()
        per_row = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
        final[table] = _distinct_rows(tables[table], per_row)
    return final


def _by_path(rows: pa.Table) -> pa.Table:
    """Return rows sorted by path; they usually are, because manifests are sorted."""
    paths = rows["file_path"].to_pylist()
    if all(map(le, paths, paths[1:])):
        return rows.combine_chunks()  # chunks would make the written bytes depend on the workers
    return rows.sort_by("file_path")


def _mark_duplicates(images: pa.Table) -> pa.Table:
    images = _by_path(images)
    seen: set[tuple[str, str]] = set()
    outcomes = []
    keys = zip(images["key_sop"].to_pylist(), images["header_digest"].to_pylist(), strict=True)
    for key in keys:
        outcomes.append("duplicate" if key in seen else "loaded")
        seen.add(key)
    position = images.schema.get_field_index("file_outcome")
    return images.set_column(position, "file_outcome", pa.array(outcomes, pa.string()))


def _distinct_rows(rows: pa.Table, file_counts: dict[str, int]) -> pa.Table:
    kept: dict[str, int] = {}
    for index, digest in enumerate(rows["row_digest"].to_pylist()):
        if digest in file_counts:
            kept.setdefault(digest, index)
    digests = sorted(kept)
    rows = rows.take(pa.array([kept[d] for d in digests], pa.int64()))
    position = rows.schema.get_field_index("file_count")
    counts = pa.array([file_counts[d] for d in digests], pa.int64())
    return rows.set_column(position, "file_count", counts)
