"""Changes of the mapping between two publications, for the audit log.

Belongs here: comparing the mapping with that of the last publication.
Does not belong here: reading the mapping (mapping), writing the log (common.audit_log).
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from dicom_pipeline.common.audit_log import AuditLog
from dicom_pipeline.common.private_files import write_atomic
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping


def record_mapping_changes(log: AuditLog, mapping: AttributeMapping, stored: Path) -> None:
    """Record the number of added, removed and changed columns since the last publication.

    Parameters
    ----------
    log
        The audit log.
    mapping
        The mapping of the tables that are being published.
    stored
        File with the rules of the last publication; it is replaced if they differ.

    Raises
    ------
    AuditLogError
        The log cannot be written.
    """
    rules = {
        f"{a.table}.{a.column}": [a.attribute, a.type, a.research, a.strict]
        for a in mapping.attributes
    }
    before: dict[str, list[str]] = {}
    with suppress(OSError, ValueError):
        before = json.loads(stored.read_text("utf-8"))
    if before == rules:
        return
    with log.record("change-mapping") as counts:
        counts |= {
            "added": len(rules.keys() - before.keys()),
            "removed": len(before.keys() - rules.keys()),
            "changed": sum(before[name] != rules[name] for name in rules.keys() & before.keys()),
        }
        write_atomic(stored, json.dumps(rules, indent=1).encode())
