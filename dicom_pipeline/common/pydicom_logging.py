"""Suppress pydicom's log records and warnings, because they quote values of patients.

Belongs here: the filters of this process.
Does not belong here: logging of the pipeline itself.
"""

from __future__ import annotations

import logging
import warnings


def silence_pydicom() -> None:
    """Discard log records and warnings of pydicom in this process."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
