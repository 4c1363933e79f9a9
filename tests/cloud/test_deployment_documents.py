"""docs/settings.md names exactly the variables that are read; docs/cloud.md computes correctly."""

from __future__ import annotations

import re

import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR
from dicom_pipeline.config.settings import _DEFAULTS
from dicom_pipeline.config.snowflake import DEFAULTS as SNOWFLAKE_DEFAULTS

PAGE = PROJECT_DIR / "docs" / "cloud.md"
SETTINGS = PROJECT_DIR / "docs" / "settings.md"
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


def test_every_variable_that_is_read_is_in_the_table_with_its_default() -> None:
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


def test_variables_of_pages_and_profiles_are_in_the_table() -> None:
    table = SETTINGS.read_text()
    for path in SOURCES:
        if "target" in path.parts or "lambda" in path.parts:
            continue
        for name in re.findall(r"(?:env_var\('|env: )([A-Z_]+)", path.read_text()):
            assert f"`{name}`" in table, name


@pytest.mark.parametrize("page", sorted(p.name for p in PAGE.parent.glob("cloud*.md")))
def test_links_lead_somewhere(page: str) -> None:
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
# what a row of the tables is for, by how many files there are
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
def test_the_arithmetic_gives_what_stands_there(name: str) -> None:
    table = rows(section("Sizing and cost"))
    (row,) = [r for r in table if f"{r[0]} ".startswith(name)][:1]
    for cell, n in zip(row[-3:], SIZES, strict=True):
        assert number(cell) == pytest.approx(FORMULAS[name](n), rel=0.25, abs=0.006), (name, n)


def test_the_time_of_a_first_run_is_by_its_formula() -> None:
    table = {row[0]: row for row in rows(section("Sizing and cost"))}
    seconds = [(23.5 + 0.169e-3 * (n - 10_000)) for n in SIZES]
    told = [60 * number(table["first run from a directory"][1]),
            60 * number(table["first run from a directory"][2]),
            3600 * number(table["first run from a directory"][3])]  # fmt: skip
    assert told == pytest.approx(seconds, rel=0.1)
