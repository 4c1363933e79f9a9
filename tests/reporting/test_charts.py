"""Charts are PNG files that show the given counts; matplotlib is imported only for drawing."""

from __future__ import annotations

import io
import subprocess
import sys

from PIL import Image

from dicom_pipeline.reporting import charts


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def colors(png: bytes) -> dict[tuple[int, int, int], int]:
    image = opened(png).convert("RGB")
    found = image.getcolors(1 << 20)
    assert found
    return {color: count for count, color in found}  # type: ignore[misc]


def amount(png: bytes, color: tuple[int, int, int]) -> int:
    """Count the pixels that are close to a color."""
    return sum(
        count
        for other, count in colors(png).items()
        if all(abs(a - b) < 24 for a, b in zip(color, other, strict=True))
    )


BLUE, ORANGE, GREY = (0, 114, 178), (230, 159, 0), (184, 191, 198)


def test_the_area_of_a_stacked_bar_is_proportional_to_its_count() -> None:
    png = charts.stacked_bars("Studies", ["a", "b"], {"CT": [30, 30], "other": [0, 30]})
    assert opened(png).format == "PNG"
    assert 1.9 < amount(png, BLUE) / amount(png, GREY) < 2.1


def test_the_length_of_a_horizontal_bar_is_proportional_to_its_count() -> None:
    short = amount(charts.flat_bars("Files", {"a": 100, "b": 100}), BLUE)
    mixed = amount(charts.flat_bars("Files", {"a": 100, "b": 50}), BLUE)
    assert 0.70 < mixed / short < 0.80


def test_a_chart_of_hundreds_of_months_is_small_enough_to_store_with_each_run() -> None:
    months = [f"{2000 + i // 12}-{i % 12 + 1:02}" for i in range(300)]
    parts = {name: [(i * 7 + k) % 90 for i in range(300)] for k, name in enumerate("abcdefgh")}
    assert len(charts.stacked_bars("Studies", months, parts)) < 40_000
    assert len(charts.line("Files a second", months, [float(i) for i in range(300)])) < 20_000


def test_matplotlib_is_not_imported_before_a_chart_is_drawn() -> None:
    program = (
        "import sys, dicom_pipeline.orchestration.assets.summary_asset;"
        " print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
