"""Keep pydicom's log records and warnings to ourselves: they quote values of patients."""

from __future__ import annotations

import logging
import warnings


def silence_pydicom() -> None:
    """Drop what pydicom logs or warns, in this process."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
