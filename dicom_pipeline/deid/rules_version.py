"""Version of the rules that clean texts: a digest of the modules that contain them.

Belongs here: the list of those modules, and their digest.
Does not belong here: the rules, and the lists of words and terms, which have digests of their own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

# modules whose code decides what stays of a value
RULE_MODULES = (
    "kept_values",
    "own_terms",
    "sequence_cleaning",
    "sequence_values",
    "text_cleaning",
    "text_initials",
    "text_patterns",
    "text_tokens",
    "tokens",
)


def _digest() -> str:
    sources = hashlib.sha256()
    for name in RULE_MODULES:
        source = Path(__file__).with_name(f"{name}.py").read_bytes()
        sources.update(hashlib.sha256(source).digest())
    return sources.hexdigest()[:16]


RULES_VERSION = _digest()
