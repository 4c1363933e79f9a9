"""The project uses plain English and standard names; see "Language" in CONTRIBUTING.

The lists below are phrases and names that earlier versions used. A new one is added here when a
review finds it.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR
from dicom_pipeline.config.settings import _DEFAULTS

TRACKED = [
    PROJECT_DIR / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    if name and (PROJECT_DIR / name).is_file()
]
# data, text by others, and the lists of this file
NOT_OURS = (
    "LICENSE",
    "dbt_snowflake/seeds",
    "tests/deid_benchmark/templates",
    "tests/test_language.py",
    "tools/words",
)
PROSE = [
    path
    for path in TRACKED
    if path.suffix in {".py", ".md", ".sql", ".yml", ".yaml", ".toml", ".jinja", ""}
    and not path.relative_to(PROJECT_DIR).as_posix().startswith(NOT_OURS)
]

PHRASES = [
    r"\banew\b",
    r"\bmend(s|ed|ing)?\b",
    r"\b(is|are|was|were|be) told\b",
    r"\bwithout a word\b",
    r"\ba word to\b",
    r"\b(came|comes|come) of it\b",
    r"\bwhat (becomes|became|came) of\b",
    r"\b(is|are|was|were|be|hold|holds|held) (it |them |that |this |what \w+ )?against\b",
    r"\b(lies|lie|stands|stand|stood) in the\b",
    r"\b(one|a) (row|line|file|macro|name|run) (a|an) (\w+)\b(?<! a few)(?<! a time)",
    r"\bknows no\b",
    r"\b(of|is) no matter\b",
    r"\bare all that is needed\b",
    r"\btakes? in all\b",
    r"\bagain with --debug says\b",
    r"\bthe guard asks\b",
    r"\bfor who (runs|queries|may)\b",
    r"\bthe files are so\b",
    r"\breadies\b",
    r"\bneeds? a word\b",
    r"\bheadless run\b",
]
MODULES = {
    "accounting",
    "ahead",
    "announced",
    "archive",
    "archive_facts",
    "archive_report",
    "attributes",
    "build_note",
    "cohort",
    "damage",
    "disk",
    "doubt",
    "excerpt",
    "file_lists",
    "harmless",
    "headless",
    "heartbeat",
    "holdings",
    "inflated",
    "kept",
    "layout",
    "leftovers",
    "mending",
    "pictures",
    "pipeline",
    "place",
    "placement",
    "plain_error",
    "position",
    "publication",
    "rejected",
    "remembered",
    "restored",
    "self_description",
    "setting_values",
    "small_cells",
    "standing",
    "tally",
    "terminal",
    "withdraw",
    "withdrawal",
    "witness",
    "zone",
}
CLASSES = {
    "Account",
    "AnnouncedBucket",
    "BucketPlace",
    "Doubt",
    "Doubtful",
    "Exactly",
    "Grain",
    "Kept",
    "Mapping",
    "Misconfigured",
    "Pipeline",
    "PlainError",
    "Reading",
    "Refused",
    "Short",
    "Special",
    "Standing",
    "WitnessedReader",
    "Withdrawals",
    "ZoneConflict",
    "ZoneUnavailable",
}
FUNCTIONS = {
    "bring_up",
    "close_to_others",
    "described",
    "donors",
    "expendable",
    "forget_old_runs",
    "go_on",
    "have",
    "heartbeat",
    "is_bare",
    "merged",
    "needs_a_word",
    "parsed_by_dbt",
    "plain_errors",
    "plain_names",
    "read_by",
    "settle_partition",
    "take_again",
    "tally",
    "visible",
    "withdraw",
    "writing",
}
MACROS = {
    "array_has",
    "array_of",
    "days_between",
    "exploded",
    "holds",
    "joined_text",
    "matches",
    "minus_days",
    "replace_pattern",
    "try_cast_text",
    "unique_together",
}
SETTINGS = {
    "DICOM_DELETE_GUARD", "DICOM_RUNS_KEPT_DAYS", "DICOM_SETTLE_SECONDS", "DICOM_SQS_LISTING_HOURS",
}  # fmt: skip


def prose(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file that people read as text: of Python comments and strings."""
    text = path.read_text()
    if path.suffix != ".py":
        return list(enumerate(text.splitlines(), 1))
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            found += list(enumerate(token.string.splitlines(), token.start[0]))
    return found


@pytest.mark.parametrize("phrase", PHRASES)
def test_prose_has_no_phrase_of_the_list(phrase: str) -> None:
    pattern = re.compile(phrase, re.IGNORECASE)
    found = [
        f"{path.relative_to(PROJECT_DIR)}:{number}: {line.strip()}"
        for path in PROSE
        for number, line in prose(path)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_a_phrase_is_found_in_comments_docstrings_and_pages(tmp_path: Path) -> None:
    for name, text in (("a.py", '"""Made anew."""\nanew = 1\n'), ("b.md", "It is made anew.\n")):
        path = tmp_path / name
        path.write_text(text)
        assert [n for n, line in prose(path) if re.search(PHRASES[0], line)] == [1]


def test_modules_classes_and_functions_have_standard_names() -> None:
    found = []
    for path in (PROJECT_DIR / "dicom_pipeline").rglob("*.py"):
        name = path.relative_to(PROJECT_DIR).as_posix()
        if path.stem in MODULES:
            found.append(name)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.strip("_") in CLASSES:
                found.append(f"{name}: class {node.name}")
            if isinstance(node, ast.FunctionDef) and node.name.strip("_") in FUNCTIONS:
                found.append(f"{name}: def {node.name}")
    assert not found, "\n".join(found)


def test_macros_have_standard_names() -> None:
    macros = {path.stem for path in (DBT_PROJECT_DIR / "macros").rglob("*.sql")}
    assert not macros & MACROS


def test_former_settings_and_commands_are_named_in_the_changelog_only() -> None:
    from typer.main import get_command

    from dicom_pipeline.cli.app import app

    assert not SETTINGS & _DEFAULTS.keys()
    assert "words" not in getattr(get_command(app), "commands")  # noqa: B009
    allowed = {
        "CHANGELOG.md", "dicom_pipeline/config/settings.py", "tests/config/test_settings.py",
        "tests/test_language.py",
    }  # fmt: skip
    for path in TRACKED:
        name = path.relative_to(PROJECT_DIR).as_posix()
        if path.suffix in {".py", ".md", ".yaml", ".yml", ".json", ""} and name not in allowed:
            text = path.read_text(errors="ignore")
            assert not [s for s in SETTINGS if s in text], name
