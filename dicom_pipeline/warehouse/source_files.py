"""Where the files of a cohort lie: the way back from keys of the tables to the raw zone.

Belongs here: computing keys of raw rows with the secret, and choosing the file of each image.
Does not belong here: which images are wanted (cohort), and who may see paths (locate).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.warehouse.duckdb import sql

# UIDs as they stand in the files, and the raw columns that have them
ORIGINALS = {
    "original_sop_instance_uid": "key_sop",
    "original_series_instance_uid": "key_series",
    "original_study_instance_uid": "key_study",
}
# as the macro instance_precedence: created last wins, then the greater hash of the header
_DIGITS = "replace(key_created, '.', '')"
_CREATED = (
    "case when regexp_full_match(digits, '(18|19|20)[0-9]{2}([0-9]{2}([0-9]{2}"
    "(([01][0-9]|2[0-3])([0-9]{2}([0-9]{2})?)?)?)?)?') then epoch_us(try_strptime("
    "digits || substr('00000101000000', length(digits) + 1), '%Y%m%d%H%M%S')) end"
)


def source_files(
    images: pa.Table,
    raw_dir: Path,
    pseudonyms: Pseudonyms,
    *,
    columns: Sequence[str] = (),
    every: bool = False,
) -> pa.Table:
    """Files of some images, by path.

    Parameters
    ----------
    images
        Keys of images and of what they belong to, as `cohort_images` gives them.
    raw_dir
        The raw zone.
    pseudonyms
        What computes keys.
    columns
        Which keys, and which of `ORIGINALS`, are given beside the image's key and the path.
    every
        Also files that are not what the row was made of: duplicates, and other versions.

    Returns
    -------
    pyarrow.Table
        ``image_key``, ``file_path`` as the raw zone has it, and the columns; a row a file.
    """
    originals = [f"rows_of.{ORIGINALS[name]} as {name}" for name in columns if name in ORIGINALS]
    # another version of an image may be of another series
    rows = "all_rows" if every else "rows_of_wanted_series"
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute("set preserve_insertion_order = false")
        # the key is bound, not written into SQL: what fails may be quoted
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
        chosen = "select * from files" if every else _taken()
        others = [name for name in columns if name not in ("image_key", *ORIGINALS)]
        listed = ", ".join(("chosen.image_key", "file_path", *others,
                            *(name for name in columns if name in ORIGINALS)))  # fmt: skip
        joined = "inner join wanted on chosen.image_key = wanted.image_key" if others else ""
        return connection.execute(
            f"select {listed} from ({chosen}) as chosen {joined} order by file_path"
        ).to_arrow_table()


def _taken() -> str:
    """Of several versions of an image the file that its row was made of."""
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
