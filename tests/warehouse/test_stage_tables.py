"""The list of stage tables and columns that are sent to Snowflake is complete."""

from dicom_pipeline.mapping.attribute_mapping import ENTITIES
from dicom_pipeline.warehouse.snowflake.stage_tables import LOADED, PRIVATE

from .conftest import Warehouse
from .raw_zone import mapping_lines


def columns(warehouse: Warehouse) -> dict[str, set[str]]:
    """Return the columns of each table of stage, without those of the mapping."""
    mapped: dict[str, set[str]] = {f"staged_{entity}": set() for entity in ENTITIES}
    for line in mapping_lines(warehouse.seed):
        mapped[f"staged_{line['table_name']}"].add(line["column_name"])
    found: dict[str, set[str]] = {}
    for row in warehouse.rows(
        "select table_name, column_name from duckdb_columns() where schema_name = 'stage'"
    ):
        table, column = row["table_name"], row["column_name"]
        found.setdefault(table, set())
        if column not in mapped.get(table, ()):
            found[table].add(column)
    return found


def test_each_column_of_stage_is_either_sent_or_private(warehouse: Warehouse) -> None:
    listed = {table: {*names, *PRIVATE.get(table, ())} for table, names in LOADED.items()}
    assert columns(warehouse) == listed
    assert not any(set(names) & set(PRIVATE.get(table, ())) for table, names in LOADED.items())


def test_helper_models_are_not_in_stage(warehouse: Warehouse) -> None:
    private = warehouse.rows(
        "select table_name from duckdb_columns() where schema_name = 'private' group by 1"
    )
    names = {row["table_name"] for row in private}
    assert {
        "cleaned_texts",
        "identity_digests",
        "kept_codes",
        "leaked_values",
        "texts_to_clean",
    } <= names
    assert not names & LOADED.keys()
