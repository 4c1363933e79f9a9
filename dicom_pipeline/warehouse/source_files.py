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
# the times and the order of processed_images, in the terms of the raw zone
_DIGITS = "left(replace(key_created, '.', ''), 14)"
_CREATED = (
    f"case when regexp_full_match({_DIGITS}, '(18|19|20)[0-9]{{2}}([0-9]{{2}}([0-9]{{2}}"
    "(([01][0-9]|2[0-3])([0-9]{2}([0-9]{2})?)?)?)?)?') then epoch_us(try_strptime("
    f"{_DIGITS} || substr('00000101000000', length({_DIGITS}) + 1), '%Y%m%d%H%M%S')) end"
    " + try_cast(rpad(substr(replace(key_created, '.', ''), 15), 6, '0') as bigint)"
)
_FILE_TIME = "file_mtime_ns // 2000000000"
_LATEST = "max(created) desc nulls last, max(file_time) desc nulls last"
_RAW_COLUMNS = (
    "key_study", "key_created", "file_mtime_ns", "header_digest", "patients_row", "studies_row",
    "series_row",
)  # fmt: skip


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
            select {", ".join(("image_key", "file_path", *_RAW_COLUMNS, *originals))}
            from {rows} as rows_of
            inner join instances on rows_of.key_sop = instances.key_sop
            where image_key in (select image_key from wanted);
            """
        )
        chosen = "select * from files" if every else _current_files_sql(pseudonyms)
        others = [name for name in columns if name not in ("image_key", *ORIGINALS)]
        listed = ", ".join(("chosen.image_key", "file_path", *others,
                            *(name for name in columns if name in ORIGINALS)))  # fmt: skip
        joined = "inner join wanted on chosen.image_key = wanted.image_key" if others else ""
        return connection.execute(
            f"select {listed} from ({chosen}) as chosen {joined} order by file_path"
        ).to_arrow_table()


def _current_files_sql(pseudonyms: Pseudonyms) -> str:
    """Return SQL for the file of each image from which its published row was made.

    Files of one image are ranked by the version of their study, which depends on all files of it.
    """
    study_key = pseudonyms.entity_key_sql("study_key")
    version_key = _keyed_sql("study_version", "study_key, patients_row, studies_row")
    return f"""
        with several as (
            select image_key from files group by image_key having count(*) > 1
        ),
        contenders as (
            select files.*, {study_key} as study_key, {_CREATED} as created,
                {_FILE_TIME} as file_time, {_keyed_sql("header", "header_digest")} as header_key
            from files, secret
            where image_key in (from several)
        ),
        versions as (
            select {study_key} as study_key, patients_row, studies_row, series_row,
                {version_key} as version_key, {_keyed_sql("row", "series_row")} as series_row_key,
                max({_CREATED}) as created, max({_FILE_TIME}) as file_time
            from all_rows, secret
            where file_outcome = 'loaded' and key_study in (select key_study from contenders)
            group by all
        ),
        study_versions as (
            select study_key, patients_row, studies_row, row_number() over (
                partition by study_key order by {_LATEST}, version_key desc
            ) as version_rank
            from versions
            group by study_key, patients_row, studies_row, version_key
        ),
        series_versions as (
            select study_key, patients_row, studies_row, series_row, row_number() over (
                partition by study_key, patients_row, studies_row
                order by {_LATEST}, series_row_key desc
            ) as series_rank
            from versions
            group by study_key, patients_row, studies_row, series_row, series_row_key
        ),
        ranked as (
            select contenders.*, row_number() over (
                partition by image_key, study_key
                order by version_rank, created desc nulls last, series_rank,
                    file_time desc nulls last, header_key desc, file_path
            ) as rank_in_study
            from contenders
            inner join study_versions using (study_key, patients_row, studies_row)
            inner join series_versions using (study_key, patients_row, studies_row, series_row)
        ),
        chosen as (
            select *, row_number() over (
                partition by image_key
                order by rank_in_study, created desc nulls last, study_key desc
            ) as place
            from ranked
        )
        select * exclude (study_key, created, file_time, header_key, rank_in_study, place)
        from chosen where place = 1
        union all
        select * from files where image_key not in (from several)
    """


def _keyed_sql(domain: str, values: str) -> str:
    """Return SQL for the keyed hash of values, with the columns ``ki`` and ``ko``."""
    return f"left(sha256(ko || sha256(ki || '{domain}|' || concat_ws('|', {values}))), 32)"
