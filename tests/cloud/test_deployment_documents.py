"""docs/settings.md lists exactly the variables that are read; docs/cloud.md has correct sizes.

docs/cloud_snowflake.md names what is sent, and its statements are valid SQL.
"""

from __future__ import annotations

import re

import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR
from dicom_pipeline.config.settings import _DEFAULTS
from dicom_pipeline.config.snowflake import DEFAULTS as SNOWFLAKE_DEFAULTS
from dicom_pipeline.warehouse.snowflake.setup import PRIVATE as PRIVATE_SCHEMAS
from dicom_pipeline.warehouse.snowflake.stage_tables import LOADED, PRIVATE

from .snowflake_grammar import grammar_error

PAGE = PROJECT_DIR / "docs" / "cloud.md"
SETTINGS = PROJECT_DIR / "docs" / "settings.md"
SNOWFLAKE = PROJECT_DIR / "docs" / "cloud_snowflake.md"
OURS = ("DICOM_", "DBT_", "SNOWFLAKE_", "DAGSTER_")
SOURCES = [
    PROJECT_DIR / "dicom_pipeline" / "config" / "settings.py",
    *DBT_PROJECT_DIR.glob("**/*.yml"),
    *(PROJECT_DIR / "deploy").rglob("*.yaml"),
    PROJECT_DIR / "deploy" / "Containerfile",
]


def section(title: str) -> str:
    return PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]


def test_every_setting_is_documented_with_its_default() -> None:
    table = rows(SETTINGS.read_text())
    named: dict[str, str] = {}
    for first, *rest in table:
        names = re.findall(r"`(\w+)`", first)
        defaults = re.findall(r"`([^`]*)`", rest[0].partition(";")[0]) if rest else []
        defaults = [""] * (len(names) - len(defaults)) + defaults
        named |= dict(zip(names, defaults, strict=False))
    read = {**{n: d or "" for n, d in _DEFAULTS.items()}, **SNOWFLAKE_DEFAULTS}
    assert read.keys() <= named.keys()
    for name, default in read.items():
        assert named[name] == default, name
    text = "\n".join(path.read_text() for path in SOURCES if "target" not in path.parts)
    for name in named:
        if name.startswith(OURS) and name not in read:
            assert name in text, f"{name} is read by nothing"


def test_variables_of_deployment_files_and_profiles_are_documented() -> None:
    table = SETTINGS.read_text()
    for path in SOURCES:
        if "target" in path.parts or "lambda" in path.parts:
            continue
        for name in re.findall(r"(?:env_var\('|env: )([A-Z_]+)", path.read_text()):
            assert f"`{name}`" in table, name


@pytest.mark.parametrize("page", sorted(p.name for p in PAGE.parent.glob("cloud*.md")))
def test_links_have_a_target(page: str) -> None:
    text = (PAGE.parent / page).read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        place = (PAGE.parent / path) if path else PAGE.parent / page
        assert place.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", place.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in slugs, target


SIZES = (1e6, 1e7, 1e8)
# value of a row of the tables for a number of files
FORMULAS = {
    "reading ": lambda n: 2.01 * n * 0.0004 / 1000,
    "one listing": lambda n: n / 1000 * 0.005 / 1000,
    "listing once per run": lambda n: 120 * n / 1000 * 0.005 / 1000,
    "or a queue": lambda n: (30 * n / 1000 * 0.005 / 1000
                             + (173_000 + 0.2 * n / 100) * 0.40 / 1e6),
    "storage of the raw zone": lambda n: 263 * n / 1e9 * 0.023,
    "Snowflake, storage": lambda n: 3 * 263 * n / 1e12 * 40,
    "raw zone, 263 B": lambda n: 263 * n / 1e9,
    "warehouse, 323 B": lambda n: 2 * 323 * n / 1e9,
    "published file, 149 B": lambda n: 2 * 149 * n / 1e9,
    "disk of the machine": lambda n: (263 + 2 * 323 + 2 * 149) * n / 1e9,
}  # fmt: skip


def number(cell: str) -> float:
    match = re.search(r"\d[\d,.]*", cell)
    assert match, cell
    return float(match[0].replace(",", ""))


@pytest.mark.parametrize("name", FORMULAS)
def test_the_documented_sizes_match_their_formulas(name: str) -> None:
    table = rows(section("Sizing and cost"))
    (row,) = [r for r in table if f"{r[0]} ".startswith(name)][:1]
    for cell, n in zip(row[-3:], SIZES, strict=True):
        assert number(cell) == pytest.approx(FORMULAS[name](n), rel=0.25, abs=0.006), (name, n)


def test_the_documented_time_of_a_first_run_matches_its_formula() -> None:
    table = {row[0]: row for row in rows(section("Sizing and cost"))}
    seconds = [(23.5 + 0.169e-3 * (n - 10_000)) for n in SIZES]
    documented = [60 * number(table["first run from a directory"][1]),
            60 * number(table["first run from a directory"][2]),
            3600 * number(table["first run from a directory"][3])]  # fmt: skip
    assert documented == pytest.approx(seconds, rel=0.1)


def test_the_snowflake_page_names_what_is_sent_and_what_is_not() -> None:
    sent, _, kept = (
        SNOWFLAKE.read_text().partition("## What is sent")[2].partition("## ")[0]
    ).partition("Never sent:")
    for table in LOADED:
        assert f"`{table}`" in sent or f"`_{table.removeprefix('staged_')}`" in sent, table
    for column in {column for columns in PRIVATE.values() for column in columns}:
        assert f"`{column}`" in kept, column
    for schema in (*PRIVATE_SCHEMAS, "processed"):
        assert f"| `{schema.upper()}`" in SNOWFLAKE.read_text(), schema


def test_every_statement_of_the_snowflake_page_is_valid() -> None:
    text = SNOWFLAKE.read_text().replace("share …", "share a").replace("user …", "user a")
    statements = [
        f"{statement};"
        for code in re.findall(r"`([^`\n]+;)`", text)
        for statement in code.split(";")
        if statement.strip()
    ]
    assert len(statements) > 20
    # forms of the reference that only administrators send
    administrative = re.compile(
        r"\s*(show (grants( of role| to role| to share| on schema| on table)|schemas in database"
        r"|warehouses like) '?[\w.]+'?|list @[\w.]+);"
    )
    for statement in statements:
        if not administrative.fullmatch(statement):
            assert grammar_error(statement) is None, statement
