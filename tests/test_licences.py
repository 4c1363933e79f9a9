"""Every locked package has a licence that may be, and the page that lists them is current."""

from __future__ import annotations

import re

import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tools.licences import EXCEPTIONS, LOCKS, PAGE, licence, packages, page, refused


def test_the_committed_page_is_the_one_that_make_licences_writes() -> None:
    assert PAGE.read_text() == page(), "run `make licences`"


def test_every_licence_is_among_those_that_may_be_or_an_exception_that_is_explained() -> None:
    odd = {name for name in packages() if refused(licence(name))}
    assert odd == set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("MIT", set()),
        ("GPL", {"GPL"}),
        ("MIT AND GPL-3.0-only", {"GPL-3.0-only"}),
        ("GPL OR MIT", set()),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", set()),
        ("", {""}),
        ("Proprietary", {"Proprietary"}),
    ],
)
def test_a_licence_that_may_not_be_is_told(expression: str, parts: set[str]) -> None:
    assert refused(expression) == parts


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_is_pinned_with_hashes(lock: str) -> None:
    """pip refuses the whole file otherwise; here it is known without installing."""
    text = (PROJECT_DIR / lock).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    for entry in entries:
        name = entry.splitlines()[0]
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z0-9, -]+\])?==[^ ;]+( ; .*)? \\", name), name
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), name
        assert "://" not in entry.partition("# via")[0], name  # no place of its own
