"""Words that were removed from free text, with counts, for review by a person.

Belongs here: counting words of raw texts that are in no list of allowed words.
Does not belong here: cleaning of texts (deid.cleaning).

A removed word may be a name: the table is written to the raw zone only.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from dicom_pipeline.common.escaping import csv_safe
from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.connection import in_memory

_WORD = "[^0-9 -/:-@{-~\\[-`[:cntrl:]]+"


@dataclass(frozen=True)
class RemovedWord:
    """A word, and the numbers of distinct texts, of rows, and of patients with it."""

    word: str
    texts: int
    rows: int
    patients: int


def removed_words(
    build: Path,
    raw_dir: Path,
    mapping: AttributeMapping,
    profile: Profile,
    *,
    min_patients: int = 2,
) -> list[RemovedWord]:
    """Return words of cleaned columns that no list allows, the most frequent first.

    Words in the identity terms of any patient are omitted.

    Parameters
    ----------
    build
        The build database, with the lists of allowed words in use.
    raw_dir
        The raw zone.
    mapping, profile
        Determine which columns are cleaned.
    min_patients
        Words of fewer patients are omitted, because they are likely to be names.
    """
    sources = [
        f"select coalesce(key_patient_id, key_study) as patient, {sql.name(a.column)} as text"
        f" from {sql.raw_table(raw_dir, a.table)}"
        for a in mapping.attributes
        if getattr(a, profile) == "clean_text" and a.table != "devices"
    ]
    if not sources:
        return []
    with in_memory(build.parent) as connection:
        connection.execute(f"attach {sql.text(str(build))} as build (read_only)")
        rows = connection.execute(
            f"""
            with texts as (
                select patient, text, count(*) as files
                from ({" union all ".join(sources)}) as sources
                where text is not null
                group by patient, text
            ),
            words as (
                select distinct patient, text, files, lower(word) as word
                from (
                    select *, unnest(regexp_extract_all(text, {sql.text(_WORD)})) as word
                    from texts
                )
            ),
            terms as (
                select distinct
                    unnest(string_split(regexp_replace(line, '^[a-z]+:', ''), ' ')) as term
                from (
                    select unnest(string_split(terms, chr(10))) as line
                    from {sql.raw_table(raw_dir, "identity_terms")}
                )
            )
            select word, count(distinct text), sum(files), count(distinct patient)
            from words
            where word not in (select word from build.internal.allowed_words)
                and word not in (
                    select word from build.internal.allowed_words_site where word is not null
                )
                and word not in (select term from terms where term is not null)
            group by word
            having count(distinct patient) >= ?
            order by 4 desc, 2 desc, 1
            """,
            [min_patients],
        ).fetchall()
    return [RemovedWord(word, texts, int(files), patients) for word, texts, files, patients in rows]


def write_removed_words(
    words: Sequence[RemovedWord], raw_dir: Path, writer: Writer = LOCAL_WRITER
) -> Path:
    """Write the words to ``review/removed_words.csv`` in the raw zone, and return the path."""
    sink = io.StringIO()
    lines = csv.writer(sink, lineterminator="\n")
    lines.writerow([f.name for f in fields(RemovedWord)])
    lines.writerows(map(csv_safe, astuple(word)) for word in words)
    path = raw_dir / "review" / "removed_words.csv"
    writer.write(path, sink.getvalue().encode())
    return path
