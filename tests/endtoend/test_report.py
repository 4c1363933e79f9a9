"""The HTML report: correct counts, no identifiers, no external resources."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydicom import dcmread

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.extract.tables import IDENTITY_TERMS

from .conftest import SAMPLE, Site

# `make screenshots` sets it
SAVE_SCREENSHOTS = os.environ.get("SCREENSHOTS") == "yes"


class Page(HTMLParser):
    """Texts, tables, tags and external references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        own = {name: value or "" for name, value in attrs}
        self.fetched += [
            own[name]
            for name in ("src", "href", "xlink:href", "data")
            if name in own and not own[name].startswith("#")
        ]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.texts.append(data)
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data.strip()


@pytest.fixture(scope="module")
def report(explored: Site) -> Path:
    target = explored.root / "a report.html"
    said = explored.command("report", "--output", str(target))
    assert str(target) in said
    return target


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report.read_text())


def test_the_report_is_one_file_without_scripts_or_external_resources(
    report: Path, page: Page
) -> None:
    assert not page.fetched
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(page.tags)
    assert "default-src 'none'" in report.read_text()
    assert "@import" not in report.read_text()
    assert "url(http" not in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert report.stat().st_size < 1_000_000


def test_the_counts_in_the_report_equal_those_of_the_tables(explored: Site, page: Page) -> None:
    tables = {tuple(table[0]): table[1:] for table in page.tables}
    found = tables["modality", "patients", "studies", "series", "images"]
    expected = explored.ask(
        "select coalesce(s.modality, 'not given'), count(distinct s.patient_key),"
        " count(distinct s.study_key), count(distinct s.series_key), count(i.image_key)"
        " from processed.processed_series as s left join processed.processed_images as i"
        " using (series_key) group by s.modality"
    )
    assert sorted(found) == sorted([str(value) for value in row] for row in expected)
    assert len(found) > 5


def test_the_report_shows_the_counts_of_unique_patients(explored: Site, page: Page) -> None:
    tables = {tuple(table[0]): table[1:] for table in page.tables}
    sizes = tables["patients in the class", "classes", "patients", "of all patients"]
    assert [row[0] for row in sizes] == ["1", "2 to 4", "5 to 10", "11 or more"]
    expected = explored.ask(
        "select class_count, patient_count from processed.uniqueness where column_name is null"
        " order by min_class_size"
    )
    assert [tuple(row[1:3]) for row in sizes] == [
        (str(classes), str(patients)) for classes, patients in expected
    ]
    [(patients,)] = explored.ask("select count(*) from processed.processed_patients")
    assert sum(int(row[2]) for row in sizes) == patients
    columns = tables["table", "column", "unique by it alone", "unique only with it"]
    expected = explored.ask(
        "select table_name, column_name, patient_count, made_unique_count"
        " from processed.uniqueness where column_name is not null and min_class_size = 1"
    )
    assert sorted(map(tuple, columns)) == sorted(tuple(map(str, row)) for row in expected)
    assert any(row[3] != "0" for row in columns)


def test_the_report_contains_no_identifier(explored: Site, page: Page) -> None:
    import pyarrow.parquet as pq

    terms = {
        line.partition(":")[2]
        for path in (explored.root / "raw" / IDENTITY_TERMS).rglob("data.parquet")
        for row in pq.ParquetFile(path).read().to_pylist()
        for line in row["terms"].split("\n")
        if line.startswith(("name:", "person:", "place:"))
    }
    terms = {term for term in terms if len(term) > 3}
    assert len(terms) > 100
    text = " ".join(page.texts).casefold()
    # words of the page itself, of column names and of codes identify nobody
    own = " ".join(
        (PROJECT_DIR / name).read_text() for name in
        ("dicom_pipeline/reporting/html_report.py", "dicom_pipeline/reporting/archive_stats.py")
    )  # fmt: skip
    own += " ".join(map(str, explored.ask("from processed.data_dictionary")))
    own += " ".join(map(str, explored.ask("select modality, body_part_examined, manufacturer"
        " from processed.processed_series left join processed.processed_devices"
        " using (device_key)")))  # fmt: skip
    ours = set(re.findall(r"\w+", own.casefold()))
    found = terms & set(re.findall(r"\w+", text)) - ours
    assert not found
    uids = {
        str(dcmread(path, stop_before_pixels=True, force=True).get("StudyInstanceUID"))
        for path in SAMPLE.glob("*.dcm")
    }
    assert not [uid for uid in uids if len(uid) > 8 and uid in text]


def test_every_count_for_a_true_month_is_zero_or_at_least_eleven(page: Page) -> None:
    (timeline,) = [table for table in page.tables if table[0] and table[0][0] == "months"]
    counts = [int(cell.replace(",", "")) for row in timeline[1:] for cell in row[1:]]
    assert [count for count in counts if count]
    assert all(count >= 11 for count in counts if count)


def test_a_report_before_the_first_publication_is_an_error(tmp_path: Path) -> None:
    site = Site(tmp_path)
    said = site.command("report", code=1)
    assert said.strip() == "nothing is published yet: dicom-pipeline run"


@pytest.mark.skipif(not shutil.which("chromium"), reason="NOT TESTED: chromium is not installed")
def test_a_browser_renders_the_report(report: Path, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "report.png"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={tmp_path}/profile", "--window-size=1160,3600",
         f"--screenshot={picture}", report.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(picture) as image:
        shown = image.convert("RGB")
        bars = sum(count for count, color in shown.getcolors(1 << 24) if color == (0, 0x72, 0xB2))
        if SAVE_SCREENSHOTS:
            top = shown.crop((0, 0, 1160, 1330)).quantize(64)
            top.save(PROJECT_DIR / "resources" / "report.png", optimize=True)
    assert bars > 20_000  # blue pixels of the charts
