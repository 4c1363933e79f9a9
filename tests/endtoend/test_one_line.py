"""One line in the mapping adds an attribute."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from pydicom import dcmread

from tests.support.project import add_line, copy_project

from .conftest import SAMPLE, Site, files_read

LINE = "images,kvp,KVP,DS,1,double,keep_number,keep_number,false,,\n"


@pytest.mark.slow  # a minute; the tests of raw and stage cover parts of it
def test_an_attribute_added_by_one_line_is_in_raw_stage_and_processed(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    site = Site(tmp_path / "site", project)
    site.put("CT_small.dcm", "MR_small.dcm")
    site.run()
    columns = "select column_name from duckdb_columns() where table_name = 'processed_images'"
    assert ("kvp",) not in site.ask(columns)

    add_line(project, LINE)
    assert files_read(site.run()) == 2  # the list of columns changed, so all files are read again

    voltage = float(dcmread(SAMPLE / "CT_small.dcm").KVP)
    published = site.ask("select kvp, typeof(kvp) from processed.processed_images order by kvp")
    assert published == [(voltage, "DOUBLE"), (None, "DOUBLE")]
    with duckdb.connect(str(tmp_path / "site" / "warehouse" / "build.duckdb")) as build:
        staged = build.execute("select kvp from stage.staged_images order by kvp").fetchall()
    assert staged == [(voltage,), (None,)]
    raw = duckdb.sql(
        f"select kvp from read_parquet('{tmp_path}/site/raw/images/*/data.parquet',"
        " union_by_name=true) order by kvp"
    ).fetchall()
    assert raw == [("120",), (None,)]
    [(comment,)] = site.ask("select comment from duckdb_columns() where column_name = 'kvp'")
    assert comment.startswith("KVP (0018,0060)")
