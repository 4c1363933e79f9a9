"""Small cells are suppressed and cannot be computed from the cells that are shown."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dicom_pipeline.reporting.disclosure_control import MIN_CELL_SIZE, OTHER, suppress

CELLS = st.dictionaries(
    st.tuples(
        st.sampled_from(["2001-01", "2001-02", "2002-05", "2010-12", "undated"]),
        st.sampled_from(["CT", "MR", "US", "CR", OTHER]),
    ),
    st.integers(0, 40),
)


@given(CELLS)
def test_no_cell_is_below_the_minimum_size_and_no_study_is_lost(
    cells: dict[tuple[str, str], int],
) -> None:
    spans = suppress(cells)
    total = sum(cells.values())
    assert sum(sum(span.counts.values()) for span in spans) == (
        total if total >= MIN_CELL_SIZE else 0
    )
    for span in spans:
        assert all(count >= MIN_CELL_SIZE for count in span.counts.values()), span
    months = [month for span in spans for month in span.months]
    assert months == sorted(set(months))


@given(CELLS)
def test_a_category_that_is_shown_has_its_exact_count(cells: dict[tuple[str, str], int]) -> None:
    for span in suppress(cells):
        there = Counter[str]()
        for (month, name), count in cells.items():
            if month in span.months:
                there[name] += count
        for name, count in span.counts.items():
            if name != OTHER:
                assert count == there[name]


def test_a_single_patient_in_a_month_is_not_visible() -> None:
    cells = {("2001-01", "CT"): 40, ("2001-02", "MR"): 1, ("2001-03", "CT"): 12}
    [january, later] = suppress(cells)
    assert (january.label, dict(january.counts)) == ("2001-01", {"CT": 40})
    assert (later.label, dict(later.counts)) == ("2001-02 to 2001-03", {OTHER: 13})


def test_undated_studies_are_merged_into_the_last_span() -> None:
    [span] = suppress({("undated", "CT"): 2, ("2001-01", "CT"): 3, ("2003-01", "CT"): 30})
    assert span.label == "2001-01 to 2003-01 and undated"


def test_all_counts_of_a_small_archive_are_suppressed() -> None:
    assert suppress({("2001-01", "CT"): MIN_CELL_SIZE - 1}) == []
    assert suppress({}) == []
