"""The geometry of a series computed by numpy from its headers, without a database.

Belongs here: what `series_geometry` should contain. Does not belong here: series and assertions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float64]
SLICES_AS_FRAMES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.2")
OF_POSITIONS = (
    "images_per_slice", "images_outside_stack", "slice_spacing", "smallest_step", "largest_step",
    "missing_slices", "gantry_tilt_degrees", "unique_slice_positions", "consistent_in_plane_row",
    "consistent_in_plane_col", "uniform_slice_spacing",
)  # fmt: skip


def numbers(header: pydicom.Dataset, keyword: str) -> Array | None:
    """Return the values of an attribute; None if it is absent or empty."""
    value = header.get(keyword)
    return None if value in (None, "") else np.array(value, float).ravel()


def frames_of(header: pydicom.Dataset) -> int:
    return int(header.get("NumberOfFrames") or 1)


def common(headers: list[pydicom.Dataset], keyword: str, place: int = 0) -> float | None:
    """Return the value that all headers have."""
    values = [numbers(header, keyword) for header in headers]
    found = {None if value is None else float(value[place]) for value in values}
    return found.pop() if len(found) == 1 else None


def is_orthogonal(orientation: Array) -> bool:
    """Whether the Gram matrix of the two vectors is that of unit vectors at right angles."""
    axes = orientation.reshape(2, 3)
    lengths = [*np.linalg.norm(axes, axis=1), np.linalg.norm(np.cross(*axes))]
    return bool(max(abs(np.array(lengths) - 1)) <= 0.0101 and abs(axes[0] @ axes[1]) <= 0.01)


def alike(one: Array, other: Array) -> bool:
    return bool(max(abs(one - other)) <= 0.01)


def has_type(header: pydicom.Dataset, name: str) -> bool:
    return name in np.array(header.get("ImageType") or [], str).ravel()


def largest_stack(headers: list[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """Return the images with the most frequent orientation, compared by pairs."""
    oriented = [
        h for h in headers
        if (o := numbers(h, "ImageOrientationPatient")) is not None and is_orthogonal(o)
    ]  # fmt: skip
    best: tuple[Any, ...] = ()
    stack: list[pydicom.Dataset] = []
    for one in oriented:
        orientation = numbers(one, "ImageOrientationPatient")
        localizer = has_type(one, "LOCALIZER")
        members = [
            h for h in oriented
            if alike(numbers(h, "ImageOrientationPatient"), orientation)
            and has_type(h, "LOCALIZER") == localizer
        ]  # fmt: skip
        normal = np.cross(orientation[:3], orientation[3:])
        size = sum(map(frames_of, members))
        rank = (not localizer, size, *np.round(abs(normal[[2, 1]]), 2))
        if rank > best:
            best, stack = rank, members
    return stack


def plane_offsets(header: pydicom.Dataset) -> Array | None:
    """Return the distances of the slices of an image; None if they are not in the header."""
    frames, offsets = frames_of(header), numbers(header, "GridFrameOffsetVector")
    if has_type(header, "MOSAIC"):
        return None
    if frames == 1:
        return np.zeros(1)
    return offsets - offsets[0] if offsets is not None and len(offsets) == frames else None


def clusters(distances: Array, tolerance: float) -> list[list[float]]:
    """Return groups of sorted distances; within a group no step exceeds the tolerance."""
    groups = [[distances[0]]]
    for before, after in pairwise(distances):
        if after - before > tolerance:
            groups.append([])
        groups[-1].append(after)
    return groups


def of_positions(
    stack: list[pydicom.Dataset], orientation: Array, image_count: int
) -> dict[str, Any]:
    """Return what depends on the positions of slices."""
    axes = orientation.reshape(2, 3)
    normal = np.cross(*axes) / np.linalg.norm(np.cross(*axes))
    origins, images, times = [], 0, set()
    for header in stack:
        position, offsets = numbers(header, "ImagePositionPatient"), plane_offsets(header)
        assert offsets is not None
        if position is not None and max(abs(position)) < 1e6:
            images += 1
            times.add(header.get("TemporalPositionIndex"))
            origins.extend(position + offset * normal for offset in offsets)
    if not origins:
        return {}
    placed = np.array(origins)
    distances = np.sort(placed @ normal)
    steps = np.diff(distances)
    spacings = [s[0] for h in stack if (s := numbers(h, "PixelSpacing")) is not None]
    typical = (steps**2).sum() / steps.sum() if steps.sum() > 0 else 0
    tolerance = min(0.1, max(0.0001, 0.05 * typical, 0.01 * max(spacings, default=0)))
    groups = clusters(distances, tolerance)
    counts = {len(group) for group in groups}
    # the part of each origin that is not along the normal, in the directions of the plane
    in_plane = (placed - np.outer(placed @ normal, normal)) @ axes.T
    straight = np.ptp(in_plane, axis=0) < 0.1
    found: dict[str, Any] = dict.fromkeys(OF_POSITIONS) | {
        "slice_count": len(groups),
        "images_per_slice": counts.pop() if len(counts) == 1 else None,
        "images_outside_stack": image_count - images,
        "unique_slice_positions": len(groups) == len(placed),
        "consistent_in_plane_row": bool(straight[0]),
        "consistent_in_plane_col": bool(straight[1]),
    }
    equal = found["images_per_slice"] and found["images_per_slice"] >= len(times - {None})
    if len(groups) < 2:
        return found | {"equal": bool(equal)}
    steps = np.diff([np.mean(group) for group in groups])
    multiples = np.round(steps / min(steps))
    spacing = steps.sum() / multiples.sum()
    missing = int(multiples.sum()) - len(steps)
    is_grid = max(abs(steps - multiples * spacing)) <= 0.01 * spacing and missing <= len(steps)
    # a straight line through the origins by singular values: its direction is the table's
    centered = placed - placed.mean(axis=0)
    line = np.linalg.svd(centered)[2][0]
    off_line = centered - np.outer(centered @ line, line)
    angle = np.degrees(np.arccos(min(1, abs(line @ normal))))
    is_tilt = np.sqrt((off_line**2).sum(axis=1).mean()) < 0.1 and abs(line[2]) > 0.9998
    return found | {
        "slice_spacing": near(spacing if is_grid else np.median(steps)),
        "smallest_step": near(min(steps)),
        "largest_step": near(max(steps)),
        "missing_slices": missing if is_grid else None,
        "gantry_tilt_degrees": 0 if straight.all() else near(angle, 0.05) if is_tilt else None,
        "uniform_slice_spacing": bool(is_grid and not missing),
        "equal": bool(equal),
    }


def near(value: float, tolerance: float = 1e-6) -> Any:
    return pytest.approx(value, abs=tolerance)


def is_constant(headers: list[pydicom.Dataset], *keywords: tuple[str, int]) -> bool | None:
    """Whether all headers have one value of each; None if none has a value."""
    if all(numbers(h, keyword) is None for h in headers for keyword, _ in keywords):
        return None
    return all(common(headers, *keyword) is not None for keyword in keywords)


def conjunction(*parts: bool | None) -> bool | None:
    """Return SQL's `and`."""
    return False if False in parts else None if None in parts else True


def geometry(headers: list[pydicom.Dataset]) -> dict[str, Any]:
    """Return the expected row of a series, without its keys."""
    stack = largest_stack(headers)
    orientations = [
        o for h in headers if (o := numbers(h, "ImageOrientationPatient")) is not None
    ]  # fmt: skip
    is_mosaic = any(has_type(h, "MOSAIC") for h in headers)
    found: dict[str, Any] = dict.fromkeys(
        (*OF_POSITIONS, "slice_count", "orientation_plane", "obliquity_degrees",
         "single_orientation", "equal")
    )  # fmt: skip
    found |= {
        "is_mosaic": is_mosaic,
        "orthogonal_orientation": all(map(is_orthogonal, orientations)) if orientations else None,
        "consistent_pixel_spacing": is_constant(headers, ("PixelSpacing", 0), ("PixelSpacing", 1)),
        "consistent_image_dimensions": is_constant(headers, ("Rows", 0), ("Columns", 0)),
    }
    if stack:
        orientation = numbers(stack[0], "ImageOrientationPatient")
        found["single_orientation"] = all(alike(o, orientation) for o in orientations)
        normal = np.cross(orientation[:3], orientation[3:])
        normal /= np.linalg.norm(normal)
        axis = int(np.argmax(abs(normal)))
        plane = ("sagittal", "coronal", "axial")[axis]
        found["orientation_plane"] = plane if abs(normal[axis]) >= 0.9 else "oblique"
        found["obliquity_degrees"] = near(np.degrees(np.arccos(min(1, abs(normal[axis])))), 0.001)
        if all(plane_offsets(header) is not None for header in stack):
            found |= of_positions(stack, orientation, len(headers))
    if found["slice_count"] is None and len(headers) == 1 and not is_mosaic:
        [header] = headers
        if header.SOPClassUID in SLICES_AS_FRAMES and frames_of(header) > 1:
            found["slice_count"] = frames_of(header)
    outside = found["images_outside_stack"]
    found["is_regular"] = conjunction(
        *(found[name] for name in (
            "single_orientation", "orthogonal_orientation", "consistent_in_plane_row",
            "consistent_in_plane_col", "consistent_pixel_spacing", "consistent_image_dimensions",
            "uniform_slice_spacing", "equal",
        )),
        None if outside is None else outside == 0,
    )  # fmt: skip
    found["regularly_spaced_3d_volume"] = conjunction(
        found["is_regular"], found["unique_slice_positions"]
    )
    del found["equal"]
    return found | {
        "rows": common(stack or headers, "Rows"),
        "columns": common(stack or headers, "Columns"),
        "row_spacing": common(stack or headers, "PixelSpacing"),
        "column_spacing": common(stack or headers, "PixelSpacing", 1),
        "slice_thickness": common(stack or headers, "SliceThickness"),
        "image_count": len(headers),
        "frame_count": sum(map(frames_of, headers)),
    }
