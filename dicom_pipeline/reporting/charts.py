"""Small charts as PNG or SVG, for people who look before they read.

Belongs here: drawing of counts by matplotlib, which is imported when something is drawn and not
before: it takes half a second, and most commands draw nothing.
Does not belong here: what is drawn, Dagster, and values of patients: names and numbers come in as
they are to be seen.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dicom_pipeline.common.escaping import escape_control_chars
from dicom_pipeline.config.extras import is_installed, require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _DPI = 7.6, 3.0, 100
_PAGE, _HALF_PAGE = 10.4, 5.2  # of a report
_LONGEST = 34
_INK = "#3d4852"
# of Okabe and Ito, told apart by everybody
_COLORS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8c6bb1",
)  # fmt: skip
_REST = "#b8bfc6"
_TICKS = 12
_LAST = ("other", "not given")


def can_draw() -> bool:
    """Return whether the packages that draw are installed: they are an extra."""
    return is_installed("matplotlib") and is_installed("PIL")


def require_drawing(needed_by: str) -> None:
    """Raise `MissingExtraError`, which names the extra, unless charts can be drawn."""
    for module in ("matplotlib", "PIL"):
        require_extra(module, "report", needed_by)


def stacked_bars(
    title: str, labels: Sequence[str], parts: Mapping[str, Sequence[int]], *, svg: bool = False
) -> bytes:
    """Bars by label, each made of parts; the last part named ``other`` is grey.

    Parameters
    ----------
    title
        What is counted.
    labels
        What stands below the bars.
    parts
        Heights by part, each as long as ``labels``.
    svg
        Draw an SVG, for a page; it has its text as text.

    Returns
    -------
    bytes
        A PNG or an SVG file.
    """
    figure, axes = _paper(title, width=_PAGE if svg else _WIDTH)
    heights = [0] * len(labels)
    for place, (name, values) in enumerate(parts.items()):
        rest = name == "other" and len(parts) > 1
        color = _REST if rest else _COLORS[place % len(_COLORS)]
        axes.bar(
            range(len(labels)), values, bottom=heights, label=_plain(name), color=color, width=0.8
        )
        heights = [below + value for below, value in zip(heights, values, strict=True)]
    axes.set_ylim(0, max(heights, default=0) * 1.08 or 1)
    _label(axes, labels)
    if len(parts) > 1:
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, fontsize=8, labelcolor=_INK
        )
    return _svg(figure) if svg else _png(figure)


def flat_bars(
    title: str, counts: Mapping[str, int], *, svg: bool = False, ordered: bool = True
) -> bytes:
    """One bar a name from left to right, the greatest above, with its number.

    Parameters
    ----------
    title
        What is counted.
    counts
        Length by name.
    svg
        Draw an SVG, for a page; it has its text as text.
    ordered
        Put the greatest above; otherwise the first.

    Returns
    -------
    bytes
        A PNG file.
    """
    width = _HALF_PAGE if svg else _WIDTH
    figure, axes = _paper(title, height=max(1.1, 0.55 + 0.24 * len(counts)), width=width)
    upwards = [*counts.items()][::-1]
    if ordered:
        upwards.sort(key=lambda item: (item[0] not in _LAST, item[1], item[0]))
    colors = [_REST if name in _LAST else _COLORS[0] for name, _ in upwards]
    bars = axes.barh(range(len(upwards)), [count for _, count in upwards], color=colors)
    axes.set_yticks(range(len(upwards)), [_short(name) for name, _ in upwards])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8, color=_INK)
    axes.margins(x=0.1)
    axes.xaxis.set_visible(False)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return _svg(figure) if svg else _png(figure)


def line(title: str, labels: Sequence[str], values: Sequence[float]) -> bytes:
    """Points in order, joined by a line.

    Parameters
    ----------
    title
        What is measured.
    labels, values
        The points; the same number of both.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure, axes = _paper(title, height=2.4)
    axes.plot(range(len(values)), values, color=_COLORS[0], marker="o", markersize=4, linewidth=1.5)
    axes.set_ylim(bottom=0)
    _label(axes, labels)
    return _png(figure)


def _paper(title: str, height: float = _HEIGHT, width: float = _WIDTH) -> tuple[Figure, Axes]:
    # not pyplot, which keeps figures and asks for a screen
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=10, color=_INK, fontweight="bold")
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#c5ccd3")
    return figure, axes


def _plain(text: str) -> str:
    """A text that is drawn as it is: between dollars stand formulas, and a broken one raises."""
    return escape_control_chars(text).replace("$", r"\$")


def _short(name: str) -> str:
    name = _plain(name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _label(axes: Axes, labels: Sequence[str]) -> None:
    """Write so many labels below the bars as there is room for."""
    step = -(-len(labels) // _TICKS)
    places = range(0, len(labels), max(step, 1))
    texts = [
        _plain(labels[place]).replace(" to ", "\nto ").replace(" and ", "\nand ")
        for place in places
    ]
    crowded = len(texts) > 7
    axes.set_xticks(
        list(places), texts, rotation=40 if crowded else 0, ha="right" if crowded else "center"
    )


def _png(figure: Figure) -> bytes:
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    small = io.BytesIO()
    # a palette: a quarter of the bytes, which stay in Dagster's storage with each run
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(32).save(small, format="png", optimize=True)
    return small.getvalue()


def _svg(figure: Figure) -> bytes:
    from matplotlib import rc_context

    drawn = io.BytesIO()
    # the same counts make the same bytes; text stays text, which can be searched and read aloud
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dicom_pipeline"}):
        figure.savefig(
            drawn, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    return drawn.getvalue()
