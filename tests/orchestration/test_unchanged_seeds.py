"""A build loads only seeds that changed, or whose table is missing."""

import dagster as dg

from dicom_pipeline.orchestration.assets.dbt import exclusion

KEYS = [dg.AssetKey(["internal", name]) for name in ("date_rules", "allowed_words")]


def test_unchanged_seeds_are_excluded_in_one_option() -> None:
    """Dagster passes one value of `--exclude` on to dbt."""
    tables = {("internal", "allowed_words"), ("internal", "date_rules"), ("stage", "vault")}
    assert exclusion(KEYS, tables) == ["--exclude", "allowed_words date_rules"]


def test_a_seed_without_a_table_is_loaded() -> None:
    assert exclusion(KEYS, {("internal", "date_rules")}) == ["--exclude", "date_rules"]
    assert exclusion(KEYS, set()) == []
    assert exclusion([], {("internal", "date_rules")}) == []
