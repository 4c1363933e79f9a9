"""Zones of older versions are upgraded without confirmation, and the log reports it.

The raw zone has fewer columns and tables, footers of another version and manifests without newer
columns; the build database has rows and tables of other models.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicom_pipeline.extract.raw_zone.parquet import READER_VERSION_KEY, VERSION_KEY

from .conftest import SMALL_SAMPLE, Site, files_read

pytestmark = pytest.mark.timeout(600)

NEWER = {
    "images": ["pixel_spacing", "reader", "unreadable_values", "computed_age"],
    "studies": ["study_description"],
    "patients": ["patient_age"],
    "series": ["key_station_name"],
}


def age_parquet(path: Path, dropped: list[str], metadata: dict[bytes, bytes]) -> None:
    """Rewrite parquet like an older version: fewer columns and another footer."""
    file = pq.ParquetFile(path)
    kept = [name for name in file.schema_arrow.names if name not in dropped]
    table = file.read(kept)
    if "raw_version" in kept:
        place = kept.index("raw_version")
        old = pa.repeat(pa.scalar("0" * 32), table.num_rows)
        table = table.set_column(place, "raw_version", old)
    pq.write_table(table.replace_schema_metadata(metadata), path)


def age_raw_zone(raw: Path) -> None:
    """Change a raw zone to that of an older version."""
    footer = {VERSION_KEY: b"0" * 32, READER_VERSION_KEY: b"1/columns/identity"}
    for table in (path for path in raw.iterdir() if path.is_dir() and path.name != "manifests"):
        for path in table.rglob("*.parquet"):
            age_parquet(path, NEWER.get(table.name, []), footer)
    shutil.rmtree(raw / "identity_terms")
    for path in (raw / "manifests").glob("*.parquet"):
        age_parquet(path, ["etag", "opened"], {})


def age_build(build: Path) -> None:
    """Change a build database to that of older models: versions, values, columns, tables."""
    with duckdb.connect(str(build)) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in"
            " ('stage', 'processed')"
        ).fetchall()
        for schema, table in tables:
            place = f"{schema}.{table}"
            columns = {row[0] for row in connection.execute(f"describe {place}").fetchall()}
            for version in columns & {"stage_version", "model_version"}:
                connection.execute(f"update {place} set {version} = 'older'")
        connection.execute("update stage.staged_series set modality = 'OLD'")
        connection.execute("update processed.processed_images set rows = -1")
        connection.execute("alter table stage.staged_images drop column pixel_spacing")
        connection.execute("alter table stage.staged_studies add column gone_since varchar")
        connection.execute(
            "alter table processed.processed_studies alter column study_date type text"
        )
        connection.execute("drop table processed.processed_devices")
        connection.execute("create or replace table processed.gone as select 1 as secret")
        connection.execute("create or replace view processed.seen as select * from processed.gone")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Site]:
    """Site of this version, and a copy with the same key and files to be aged."""
    clean = Site(tmp_path_factory.mktemp("clean"))
    clean.put(*SMALL_SAMPLE)
    clean.run()
    old = Site(tmp_path_factory.mktemp("old"))
    shutil.copytree(clean.root, old.root, dirs_exist_ok=True)
    return clean, old


def test_zones_of_an_older_version_are_upgraded_and_the_log_reports_it(
    sites: tuple[Site, Site],
) -> None:
    clean, old = sites
    expected = clean.content()
    age_raw_zone(old.root / "raw")
    age_build(old.root / "warehouse" / "build.duckdb")
    (old.root / "warehouse" / "build.duckdb.sources").unlink()
    output = old.run()
    assert files_read(output) == len(SMALL_SAMPLE)
    assert "read by another version of the extractor" in output
    assert "the build database was built from other models" in output
    assert old.content() == expected
    for table in NEWER:
        for path in (clean.root / "raw" / table).rglob("*.parquet"):
            other = old.root / path.relative_to(clean.root)
            assert pq.ParquetFile(other).read().drop_columns(
                ["file_mtime_ns"][: table == "images"]
            ) == (pq.ParquetFile(path).read().drop_columns(["file_mtime_ns"][: table == "images"]))
    again = old.run()
    assert files_read(again) == 0
    assert "another version" not in again
    assert "other models" not in again
    # the log in the web UI contains the same messages and the dropped tables
    stored = b"".join(
        path.read_bytes() for path in (old.root / "dagster").rglob("*.db") if path.is_file()
    )
    assert b"read by another version of the extractor" in stored
    assert b"the build database was built from other models" in stored
    assert b"dropped: processed.seen, processed.gone" in stored


def test_an_older_build_database_is_rebuilt_without_reading_files(
    sites: tuple[Site, Site],
) -> None:
    clean, old = sites
    age_build(old.root / "warehouse" / "build.duckdb")
    assert files_read(old.run()) == 0
    assert old.content() == clean.content()
