"""Cleaned texts and sequences of many patients: what the dbt model ``cleaned_texts`` contains.

Belongs here: grouping by patient, reuse of earlier results, and worker processes.
Does not belong here: cleaning of one text or sequence (text_cleaning, sequence_cleaning), SQL (the
dbt models), kept values (leaked_values).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from dicom_pipeline.common.spawn import SpawnContextWithoutMain
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, parse_terms
from dicom_pipeline.deid.cleaning.rules_version import RULES_VERSION
from dicom_pipeline.deid.cleaning.sequence_cleaning import SequenceCleaner
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.keys import Secret, keyed_hash
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.registered_uids import registered_uids
from dicom_pipeline.mapping.sequence_attributes import SequenceAttribute

# the patient and the study of texts of devices
NOBODY = ""
SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("patient_key", pa.string()),
        ("study_key", pa.string()),
        ("text_key", pa.string()),
        ("terms_digest", pa.string()),
        ("rules_version", pa.string()),
        ("clean", pa.string()),
        ("is_leaked", pa.bool_()),
        ("failed", pa.bool_()),
    ]
)
# below, starting worker processes takes longer than cleaning
_WORTH_A_POOL = 20_000
_TEXTS_PER_TASK = 2_000


@dataclass(frozen=True)
class Rules:
    """Everything besides a text and its patient that decides what is removed.

    Attributes
    ----------
    allowed_words
        Words that identify nobody.
    defined_terms
        Values that the standard defines, by the keyword of their attribute.
    sequence_attributes
        Treatment of elements in sequences, by tag.
    profile
        Decides about all other elements.
    secret
        The derived keys, for UIDs in sequences.
    """

    allowed_words: frozenset[str]
    defined_terms: Mapping[str, frozenset[str]]
    sequence_attributes: Mapping[str, SequenceAttribute]
    profile: Profile
    secret: Secret = field(repr=False)

    @cached_property
    def version(self) -> str:
        """Digest of the rules, 16 hex digits."""
        lists = (
            sorted(self.allowed_words),
            sorted((keyword, sorted(terms)) for keyword, terms in self.defined_terms.items()),
            sorted((tag, a.keyword, a.action) for tag, a in self.sequence_attributes.items()),
            self.profile.value,
            load_date_rules().digest,
            sorted(registered_uids()),
            RULES_VERSION,
        )
        return hashlib.sha256(repr(lists).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Text:
    """A text to clean; ``repr`` omits it."""

    kind: str
    study_key: str
    text_key: str
    terms_digest: str
    shift_days: int
    text: str = field(repr=False)


@dataclass(frozen=True)
class _Patient:
    """Texts of one patient, and the terms of each of the patient's studies."""

    patient_key: str
    texts: Sequence[_Text]
    terms: Mapping[str, Sequence[str]] = field(repr=False)


def clean_texts(
    texts: pa.Table, terms: pa.Table, known: pa.Table | None, rules: Rules, *, workers: int
) -> pa.Table:
    """Clean the texts that are new, or whose patient or rules have changed.

    Parameters
    ----------
    texts
        Columns ``kind`` (``text`` or ``sequence``), ``patient_key``, ``study_key``, ``text_key``,
        ``shift_days`` and ``text``. The keys of a device's text are empty.
    terms
        Columns ``patient_key``, ``study_key`` and ``terms`` of all patients.
    known
        Earlier results, with the columns of `SCHEMA`; None if there are none.
    rules
        Lists and profile.
    workers
        Number of processes for many texts.

    Returns
    -------
    pyarrow.Table
        One row per cleaned text, with the columns of `SCHEMA`; texts with a known result have no
        row. A text whose cleaning failed is removed as a whole.
    """
    digests = _Digests(terms, rules.secret)
    seen = _known_keys(known, rules.version)
    patients = list(_pending(texts, digests, seen))
    pending = sum(len(patient.texts) for patient in patients)
    if pending < _WORTH_A_POOL or workers < 2:
        results: Iterable[list[_Result]] = [_Worker(rules).clean(patients)]
    else:
        context = SpawnContextWithoutMain()
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start, initargs=(rules,)
        ) as pool:
            results = list(pool.map(_clean, _tasks(patients)))
    rows = [result for part in results for result in part]
    columns = zip(*rows, strict=True) if rows else [() for _ in SCHEMA]
    return pa.table(
        [pa.array(column, type_.type) for column, type_ in zip(columns, SCHEMA, strict=True)],
        schema=SCHEMA,
    )


# a row of the result, see `SCHEMA`
_Result = tuple[str, str, str, str, str, str, str | None, bool, bool]


class _Digests:
    """Terms by patient and study, and a keyed digest of what decides about a text besides rules."""

    def __init__(self, terms: pa.Table, secret: Secret) -> None:
        self.terms: dict[str, dict[str, list[str]]] = {}
        columns = (terms[name].to_pylist() for name in ("patient_key", "study_key", "terms"))
        for patient, study, lines in zip(*columns, strict=True):
            self.terms.setdefault(patient, {}).setdefault(study, []).append(lines)
        self._secret = secret
        self._of_patient: dict[str, str] = {}
        self._of_shift: dict[tuple[str, int | None], str] = {}

    def studies(self, patient: str) -> Mapping[str, Sequence[str]]:
        """Return the terms of each study of a patient; of all patients for devices."""
        return self._everybody if patient == NOBODY else self.terms.get(patient, {})

    @cached_property
    def _everybody(self) -> Mapping[str, Sequence[str]]:
        lines = {line for studies in self.terms.values() for of in studies.values() for line in of}
        return {NOBODY: sorted(lines)}

    def of(self, patient: str, shift_days: int | None) -> str:
        """Return the digest of the patient's terms and of the date shift."""
        key = (patient, shift_days)
        if key not in self._of_shift:
            self._of_shift[key] = self._digest(f"{self._terms(patient)}|{shift_days}")
        return self._of_shift[key]

    def _terms(self, patient: str) -> str:
        if patient not in self._of_patient:
            listed = (terms for of in self.studies(patient).values() for terms in of)
            lines = {line for terms in listed for line in terms.split("\n")}
            self._of_patient[patient] = self._digest("\n".join(sorted(lines)))
        return self._of_patient[patient]

    def _digest(self, text: str) -> str:
        return keyed_hash(self._secret, "cleaned_by", text)[:32]


def _known_keys(known: pa.Table | None, version: str) -> set[tuple[str, ...]]:
    if known is None:
        return set()
    names = ("kind", "patient_key", "study_key", "text_key", "terms_digest", "rules_version")
    columns = [known[name].to_pylist() for name in names]
    return {row[:-1] for row in zip(*columns, strict=True) if row[-1] == version}


def _pending(texts: pa.Table, digests: _Digests, seen: set[tuple[str, ...]]) -> Iterator[_Patient]:
    by_patient: dict[str, list[_Text]] = {}
    found: set[tuple[str, ...]] = set()
    names = ("kind", "patient_key", "study_key", "text_key", "shift_days", "text")
    for kind, patient, study, key, shift, text in zip(
        *(texts[name].to_pylist() for name in names), strict=True
    ):
        # two tables may have the same text of a study: a second result would double their rows
        if (kind, patient, study, key) in found:
            continue
        found.add((kind, patient, study, key))
        # dates are shifted in sequences, and removed from texts
        digest = digests.of(patient, shift if kind == "sequence" else None)
        if (kind, patient, study, key, digest) not in seen:
            text_ = _Text(kind, study, key, digest, shift or 0, text)
            by_patient.setdefault(patient, []).append(text_)
    for patient, listed in by_patient.items():
        yield _Patient(patient, listed, digests.studies(patient))


def _tasks(patients: Iterable[_Patient]) -> Iterator[list[_Patient]]:
    task: list[_Patient] = []
    size = 0
    for patient in patients:
        task.append(patient)
        size += len(patient.texts)
        if size >= _TEXTS_PER_TASK:
            yield task
            task, size = [], 0
    if task:
        yield task


class _Worker:
    """Cleaners of one process."""

    def __init__(self, rules: Rules) -> None:
        self._texts = TextCleaner(rules.allowed_words)
        self._sequences = SequenceCleaner(
            rules.sequence_attributes, rules.profile, self._texts, rules.defined_terms
        )
        self._uid = Pseudonyms(rules.secret).uid
        self._version = rules.version

    def clean(self, patients: Iterable[_Patient]) -> list[_Result]:
        return [result for patient in patients for result in self._of_patient(patient)]

    def _of_patient(self, patient: _Patient) -> Iterator[_Result]:
        key = patient.patient_key
        terms = {t for of in patient.terms.values() for lines in of for t in parse_terms(lines)}
        index = OwnTerms.of_devices if key == NOBODY else OwnTerms.of_patient
        own = index(terms, self._texts.allowed_words)
        for text in patient.texts:
            if text.kind == "sequence":
                clean, is_leaked, failed = self._sequences.clean(
                    text.text, own, shift_days=text.shift_days, uid=self._uid
                )
            else:
                clean, failed = self._texts.clean(text.text, own)
                is_leaked = False
            yield (
                text.kind, key, text.study_key, text.text_key, text.terms_digest, self._version,
                clean, is_leaked, failed,
            )  # fmt: skip


_worker: _Worker


def _start(rules: Rules) -> None:
    global _worker
    _worker = _Worker(rules)


def _clean(patients: list[_Patient]) -> list[_Result]:
    return _worker.clean(patients)
