"""Version of the rules that clean texts: a digest of the modules that contain them.

Belongs here: the list of those modules, and their digest.
Does not belong here: the rules, and the lists of words and terms, which have digests of their own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from dicom_pipeline.mapping import defined_terms

_DEID = Path(__file__).parents[1]
# modules, below the package `deid`, whose code decides what stays of a value
RULE_MODULES = (
    "cleaning.compound_words",
    "cleaning.patterns.date_patterns",
    "cleaning.patterns.date_words",
    "cleaning.kept_codes",
    "cleaning.kept_values",
    "cleaning.patterns.name_label_words",
    "cleaning.patterns.name_labels",
    "cleaning.patterns.name_words",
    "cleaning.patterns.number_groups",
    "cleaning.patterns.number_words",
    "cleaning.own_dates",
    "cleaning.own_search",
    "cleaning.own_terms",
    "cleaning.patterns.place_patterns",
    "cleaning.patterns.place_words",
    "cleaning.patterns.record_labels",
    "cleaning.sequence_cleaning",
    "cleaning.sequence_values",
    "cleaning.text_cleaning",
    "cleaning.text_initials",
    "cleaning.text_normal",
    "cleaning.patterns.text_patterns",
    "cleaning.text_tokens",
    "cleaning.unspaced_words",
    "cleaning.patterns.version_patterns",
    "identity_words",
    "text_escapes",
    "tokens",
)


def _digest() -> str:
    # which attributes have defined terms is code outside the package
    sources = hashlib.sha256(Path(defined_terms.__file__).read_bytes())
    for name in RULE_MODULES:
        source = _DEID / f"{name.replace('.', '/')}.py"
        sources.update(hashlib.sha256(source.read_bytes()).digest())
    return sources.hexdigest()[:16]


RULES_VERSION = _digest()
