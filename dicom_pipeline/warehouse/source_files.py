"""Source files of a cohort: re-identification from keys of the tables to paths in the raw zone.

Belongs here: computing keys of raw rows with the secret, and choosing the file of each image.
Does not belong here: selection of the images (duckdb.cohort_query), access control and output of
paths (operations.locate).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.connection import in_memory

# original UIDs, and their columns in the raw tables
ORIGINALS = {
    "original_sop_instance_uid": "key_sop",
    "original_series_instance_uid": "key_series",
    "original_study_instance_uid": "key_study",
}
# same order as the macro instance_precedence: latest creation, then greatest hash of the header
_DIGITS = "replace(key_created, '.', '')"
_CREATED = (
    "case when regexp_full_match(digits, '(18|19|20)[0-9]{2}([0-9]{2}([0-9]{2}"
    "(([01][0-9]|2[0-3])([0-9]{2}([0-9]{2})?)?)?)?)?') then epoch_us(try_strptime("
    "digits || substr('00000101000000', length(digits) + 1), '%Y%m%d%H%M%S')) end"
)


def source_files(
    images: pa.Table,
    raw_dir: Path,
    warehouse_dir: Path,
    pseudonyms: Pseudonyms,
    *,
    columns: Sequence[str] = (),
    every: bool = False,
) -> pa.Table:
    """Return the files of images, sorted by path.

    Parameters
    ----------
    images
        Keys of images and of their series, studies and patients; the result of `cohort_images`.
    raw_dir
        The raw zone.
    warehouse_dir
        Directory for temporary files.
    pseudonyms
        Computes keys with the secret.
    columns
        Keys of other levels and names in `ORIGINALS` to include in the result.
    every
        Include duplicates and older versions, from which no published row was made.

    Returns
    -------
    pyarrow.Table
        ``image_key``, ``file_path`` as in the raw zone, and the columns; one row per file.
    """
    originals = [f"rows_of.{ORIGINALS[name]} as {name}" for name in columns if name in ORIGINALS]
    # another version of an image may belong to another series
    rows = "all_rows" if every else "rows_of_wanted_series"
    with in_memory(warehouse_dir) as connection:
        connection.execute("set preserve_insertion_order = false")
        # the key is bound, not part of the SQL text: error messages may quote SQL
        connection.execute("create temp table secret (ki varchar, ko varchar)")
        connection.execute(
            "insert into secret values (?, ?)", [pseudonyms.secret.ki, pseudonyms.secret.ko]
        )
        connection.register("wanted", images)
        connection.execute(
            f"""
            create temp view all_rows as select * from {sql.raw_table(raw_dir, "images")};

            create temp table series as
            select key_series from (select distinct key_series from all_rows), secret
            where {pseudonyms.entity_key_sql("series_key")} in (select series_key from wanted);

            create temp view rows_of_wanted_series as
            select * from all_rows
            where key_series in (select key_series from series) and file_outcome = 'loaded';

            create temp table instances as
            select key_sop, {pseudonyms.entity_key_sql("image_key")} as image_key
            from (select distinct key_sop from {rows}), secret;

            create temp table files as
            select {
                ", ".join(("image_key", "file_path", "header_digest", "key_created", *originals))
            }
            from {rows} as rows_of
            inner join instances on rows_of.key_sop = instances.key_sop
            where image_key in (select image_key from wanted);
            """
        )
        chosen = "select * from files" if every else _current_files_sql()
        others = [name for name in columns if name not in ("image_key", *ORIGINALS)]
        listed = ", ".join(("chosen.image_key", "file_path", *others,
                            *(name for name in columns if name in ORIGINALS)))  # fmt: skip
        joined = "inner join wanted on chosen.image_key = wanted.image_key" if others else ""
        return connection.execute(
            f"select {listed} from ({chosen}) as chosen {joined} order by file_path"
        ).to_arrow_table()


def _current_files_sql() -> str:
    """Return SQL for the file of each image from which its published row was made."""
    return f"""
        with several as (
            select image_key from files group by image_key having count(*) > 1
        ),
        contenders as (
            select files.*, left({_DIGITS}, 14) as digits,
                try_cast(rpad(substr({_DIGITS}, 15), 6, '0') as bigint) as fraction,
                left(sha256(ko || sha256(ki || 'header|' || header_digest)), 32) as header_key
            from files, secret
            where image_key in (from several)
        ),
        ranked as (
            select *, row_number() over (
                partition by image_key
                order by ({_CREATED}) + fraction desc nulls last, header_key desc, file_path
            ) as place
            from contenders
        )
        select * exclude (digits, fraction, header_key, place) from ranked where place = 1
        union all
        select * from files where image_key not in (from several)
    """
