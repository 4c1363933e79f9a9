"""A cohort: the images that somebody's SQL on the published file chooses.

Belongs here: running that SQL where it can read nothing but the published file and write nothing,
and turning keys or UIDs of any level into images.
Does not belong here: where the files of the images lie (source_files).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA

# what names an entity in a result, the finest first: its key, its UID, and the table of both
LEVELS = (
    ("image_key", "sop_instance_uid", "processed_images"),
    ("series_key", "series_instance_uid", "processed_series"),
    ("study_key", "study_instance_uid", "processed_studies"),
    ("patient_key", None, "processed_patients"),
)
KEYS = tuple(key for key, _, _ in LEVELS)
# the rest of the process, its Python objects among it, is none of the query's business
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "lock_configuration": True,
}
# errors of these kinds quote the query, and no value of a table
_ABOUT_THE_QUERY = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


class QueryError(ConfigurationError):
    """The SQL cannot be used; one line."""


def cohort_images(database: Path, query: str) -> pa.Table:
    """Images that a query chooses.

    Parameters
    ----------
    database
        The published file.
    query
        One SELECT. Of the keys and UIDs that its result has, those of the finest level count.

    Returns
    -------
    pyarrow.Table
        Columns ``image_key``, ``series_key``, ``study_key``, ``patient_key``; a row an image.

    Raises
    ------
    QueryError
        It is not one SELECT, fails, or gives none of the columns that name an entity.
    """
    with _closed(database) as connection:
        chosen = _run(connection, query)
        columns = {name.lower(): place for place, name in enumerate(chosen.column_names)}
        for key, uid, table in LEVELS:
            for name in (key, uid):
                if name is not None and name in columns:
                    values = chosen.column(columns[name])
                    return _images(connection, values, name, key, table)
    names = ", ".join(name for key, uid, _ in LEVELS for name in (key, uid) if name)
    raise QueryError(f"the query gives none of the columns {names}")


@contextlib.contextmanager
def _closed(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read-only, in a DuckDB that can reach nothing else."""
    connection = duckdb.connect(str(database), read_only=True, config=_CLOSED)
    with contextlib.closing(connection):
        yield connection


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    try:
        statements = connection.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise QueryError("one SELECT is wanted")
        return connection.execute(statements[0]).to_arrow_table()
    except _ABOUT_THE_QUERY as error:
        raise QueryError(f"the query fails: {_first_line(error)}") from None
    except duckdb.PermissionException:
        raise QueryError("the query may read nothing but the published file") from None
    except duckdb.Error as error:
        # of what goes wrong on the way the message may quote a value
        raise QueryError(f"the query fails: {type(error).__name__}") from None


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0].strip()


def _images(
    connection: duckdb.DuckDBPyConnection, values: pa.ChunkedArray, name: str, key: str, table: str
) -> pa.Table:
    try:
        texts = values.cast(pa.string())
    except pa.ArrowException:
        raise QueryError(f"{name} of the query is no text") from None
    connection.register("chosen", pa.table({"value": texts}))
    keys = "select value from chosen"
    if name != key:
        keys = f"select {key} from {SCHEMA}.{table} where {sql.name(name)} in ({keys})"
    columns = ", ".join(KEYS)
    return connection.execute(
        f"select {columns} from {SCHEMA}.processed_images where {key} in ({keys}) order by all"
    ).to_arrow_table()
