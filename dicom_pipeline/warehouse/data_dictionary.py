"""The two published tables that explain the others: ``data_dictionary`` and ``run_info``.

Belongs here: their columns, comments and rows.
Does not belong here: writing them (duckdb.publish, snowflake.publish), text of the comments
(comments), collecting counts and versions (run_info).

The two tables have no values of headers, so the leak check does not need to cover them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

DICTIONARY = "data_dictionary"
RUN_INFO = "run_info"

Quote = Callable[[str], str]


@dataclass(frozen=True)
class Origin:
    """The DICOM attribute behind a column.

    Attributes
    ----------
    attribute
        Keyword, or a path of keywords.
    tag, vr
        Tag as ``(0010,0010)``, and value representation.
    function
        Function of the mapping under the profile in use.
    treatment
        Description of that function.
    """

    attribute: str
    tag: str
    vr: str
    function: str
    treatment: str


@dataclass(frozen=True)
class Comments:
    """Comments of the published tables and columns.

    A column without a comment is not published.

    Attributes
    ----------
    tables
        Comment by table.
    columns
        Comment by table and column.
    origins
        DICOM attribute by table and column, for columns that hold one.
    """

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    origins: Mapping[str, Mapping[str, Origin]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """Facts about a publication.

    Attributes
    ----------
    published_at
        Time in UTC, ISO 8601.
    profile
        De-identification profile.
    versions
        Versions of software and of the mapping, by name.
    files
        Number of files by outcome.
    """

    published_at: str
    profile: str
    versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)


_DICTIONARY_COLUMNS = {
    "table_name": "Published table or view.",
    "column_name": "Column of it.",
    "data_type": "Type of the column, as this database names it.",
    "attribute": "DICOM keyword (PS3.6) of the attribute of the column, or a path of keywords;"
    " null for keys, counts and computed columns.",
    "tag": "Tag of the attribute.",
    "vr": "Value representation of the attribute.",
    "deidentification": "De-identification of the attribute under the profile in use.",
    "description": "Description of the column; the same as its comment.",
}
_RUN_INFO_COLUMNS = {
    "topic": "run, version, files or rows.",
    "name": "Name of the value: the outcome for files, the table for rows.",
    "value": "Value as text.",
    "number": "Value as a number, if it is a count.",
}
_COMMENTS = {
    DICTIONARY: "One row per column of every published table and view, with description and"
    " de-identification.",
    RUN_INFO: "Time, software versions and file outcomes of this publication. The table"
    " deidentification has the options of de-identification and the id of the key.",
}
_COLUMNS = {DICTIONARY: _DICTIONARY_COLUMNS, RUN_INFO: _RUN_INFO_COLUMNS}
_INTEGERS = ("number",)
INFO_TABLES = tuple(_COMMENTS)

Row = tuple[str | int | None, ...]


def with_info_tables(comments: Comments) -> Comments:
    """Return comments that include those of the two tables."""
    return Comments(
        {**comments.tables, **_COMMENTS}, {**comments.columns, **_COLUMNS}, comments.origins
    )


def dictionary_rows(columns: Iterable[tuple[str, str, str]], comments: Comments) -> Iterator[Row]:
    """Yield the rows of ``data_dictionary``.

    Parameters
    ----------
    columns
        Table, name and type of each published column.
    comments
        Comments, including those of the two tables.
    """
    for table, column, type_ in columns:
        origin = comments.origins.get(table, {}).get(column)
        attribute: tuple[str | None, ...] = (None,) * 4
        if origin:
            attribute = (origin.attribute, origin.tag, origin.vr, origin.treatment)
        yield (table, column, type_, *attribute, comments.columns[table][column])


def run_info_rows(info: RunInfo, rows: Mapping[str, int]) -> Iterator[Row]:
    """Yield the rows of ``run_info``.

    Parameters
    ----------
    info
        Facts about the publication.
    rows
        Number of rows by table.
    """
    yield ("run", "published_at", info.published_at, None)
    yield ("run", "profile", info.profile, None)
    for name, version in info.versions.items():
        yield ("version", name, version, None)
    for topic, counts in (("files", info.files), ("rows", rows)):
        for name, count in counts.items():
            yield (topic, name, str(count), count)


def create_statement(target: str, table: str, name: Quote) -> str:
    """Return the SQL statement that creates one of the two tables.

    Parameters
    ----------
    target
        Quoted name of the table, with its schema.
    table
        ``data_dictionary`` or ``run_info``.
    name
        Quotes a name in the SQL dialect.
    """
    columns = (f"{name(c)} {'bigint' if c in _INTEGERS else 'varchar'}" for c in _COLUMNS[table])
    return f"create table {target} ({', '.join(columns)})"


def insert_statement(target: str, rows: Iterable[Row], text: Quote) -> str:
    """Return the SQL statement that inserts rows; ``text`` quotes a text in the SQL dialect."""
    values = (f"({', '.join(_literal(value, text) for value in row)})" for row in rows)
    return f"insert into {target} values {', '.join(values)}"


def _literal(value: str | int | None, text: Quote) -> str:
    if value is None:
        return "null"
    return text(value) if isinstance(value, str) else str(value)
