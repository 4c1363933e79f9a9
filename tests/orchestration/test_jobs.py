"""The jobs that a person launches in the web UI, one after the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pydicom
import pytest

from dicom_pipeline.orchestration.partition_range import STUDY_PERIOD, range_tags
from dicom_pipeline.orchestration.pending_partitions import find_pending
from dicom_pipeline.orchestration.seeds import built_digest, seed_digest
from dicom_pipeline.workspace import Workspace

SAMPLE = Path(pydicom.__file__).parent / "data" / "test_files"


def assert_columns_are_those_of_the_tables(defs: dg.Definitions, workspace: Workspace) -> None:
    """Compare the column metadata with DuckDB; lineage must name existing columns."""
    graph = defs.resolve_asset_graph()
    keys = graph.executable_asset_keys
    listed = {
        key: {column.name for column in graph.get(key).metadata["dagster/column_schema"].columns}
        for key in keys
        if "dagster/column_schema" in graph.get(key).metadata
    }
    with duckdb.connect(str(workspace.warehouse.build_database), read_only=True) as connection:
        found: dict[dg.AssetKey, set[str]] = {}
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where schema_name in ('stage', 'processed')"
        ).fetchall():
            found.setdefault(dg.AssetKey([schema, table]), set()).add(column)
    for key, columns in found.items():
        assert listed[key] == columns - {"model_version"}, key
    for key in listed:
        lineage = graph.get(key).metadata.get("dagster/column_lineage")
        for sources in lineage.deps_by_column.values() if lineage else []:
            for source in sources:
                assert source.column_name in listed[source.asset_key], (key, source)

    def origin(key: list[str], column: str) -> tuple[str, str]:
        lineage = graph.get(dg.AssetKey(key)).metadata["dagster/column_lineage"]
        [source] = lineage.deps_by_column[column]
        return source.asset_key.to_user_string(), source.column_name

    published = ["published", "database"]
    assert origin(published, "processed_images.rows") == ("processed/processed_images", "rows")
    assert origin(["processed", "processed_images"], "rows") == ("stage/staged_images", "rows")
    assert origin(["stage", "staged_images"], "rows") == ("raw/images", "rows")
    visit = origin(["processed", "processed_patients"], "last_patient_weight")
    assert visit == ("stage/staged_patients", "patient_weight")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster_dbt")
@pytest.mark.slow  # a minute; the browser test covers most of it
def test_the_jobs_in_order_build_everything_and_publish_last(
    workspace: Workspace, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(SAMPLE / name, workspace.settings.landing_dir)

    def launch(job: str, **options: object) -> dg.ExecuteInProcessResult:
        result = defs.resolve_job_def(job).execute_in_process(instance=instance, **options)  # type: ignore[arg-type]
        assert result.success
        return result

    def built() -> set[str]:
        with duckdb.connect(str(workspace.warehouse.build_database), read_only=True) as connection:
            rows = connection.execute("select distinct schema_name from duckdb_tables()")
            return {schema for (schema,) in rows.fetchall()}

    launch("materialize_internal_assets_job")
    assert built() == {"internal"}
    for name in ("anonymization_mapping", "surrogate_key_mapping"):
        key = dg.AssetKey(["internal", name])
        assert built_digest(instance, key) == seed_digest(key) is not None

    workspace.ingest.scan()
    pending = find_pending(workspace, instance)
    instance.add_dynamic_partitions(STUDY_PERIOD, pending.to_add)
    # one partition of the two, forced, with the documented run config
    result = launch(
        "materialize_raw_assets_job",
        tags=range_tags(pending.stored, ["2004-01"]),
        run_config={"ops": {"raw_tables": {"config": {"force": True}}}},
    )
    assert {e.partition for e in result.get_asset_materialization_events()} == {"2004-01"}
    [images] = [
        event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["raw", "images"])
    ]
    assert (images["files"].value, images["files_read"].value) == (1, 1)
    assert set(find_pending(workspace, instance).versions) == {"2004-08"}
    launch("materialize_raw_assets_job", tags=range_tags(pending.stored, ["2004-08"]))
    assert find_pending(workspace, instance).versions == {}

    launch("materialize_stage_assets_job")
    assert built() == {"internal", "stage"}
    launch("materialize_processed_assets_job")
    assert built() == {"internal", "stage", "processed"}
    assert not workspace.settings.database.exists()

    assert_columns_are_those_of_the_tables(defs, workspace)

    launch("materialize_all_assets_job", tags=range_tags(pending.stored, pending.stored))
    with duckdb.connect(str(workspace.settings.database), read_only=True) as connection:
        row = connection.execute("select count(*) from processed.processed_images").fetchone()
    assert row == (2,)
