"""Alerts: each problem is announced once, and once again when it is resolved.

Belongs here: what was announced, and the texts of messages.
Does not belong here: finding problems (problems), sending (operations.alert_webhook), when they are
looked for (sensors.failure_alert, command_job).

What was announced is stored in Dagster's storage, because the sensor and commands share it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import dagster as dg

from dicom_pipeline.operations.alert_webhook import send
from dicom_pipeline.orchestration.problems import Problem, failed_since

MOST_PER_MESSAGE = 20
_KEY = "dicom_pipeline/alerts"
_REMEMBERED_RUNS = 200


@dataclass
class _Announced:
    """What was announced.

    Attributes
    ----------
    since
        Time of the first evaluation; failed runs that ended earlier and were superseded are not
        announced.
    titles
        Titles of the problems that are not resolved, by key.
    runs
        Ids of the failed runs that were announced last.
    """

    since: float
    titles: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)


def announce(
    instance: dg.DagsterInstance,
    webhook: str,
    problems: Sequence[Problem],
    *,
    is_judged: Callable[[str], bool] = lambda _key: True,
) -> int:
    """Send one message about new and resolved problems, if there are any.

    Nothing is noted if the message cannot be sent, so that the next evaluation tries again.

    Parameters
    ----------
    instance
        Dagster's instance.
    webhook
        Address.
    problems
        All problems there are now.
    is_judged
        Whether the caller has looked for the problem of a key; others are not resolved.

    Returns
    -------
    int
        Number of problems and resolutions in the message.

    Raises
    ------
    AlertNotSent
        The webhook did not accept the message.
    """
    known = _read(instance)
    current = {problem.key: problem for problem in problems}
    new = [problem for problem in problems if known.titles.get(problem.key) != problem.title]
    # a failed run may have been superseded between two evaluations
    reported = {*known.runs, *(problem.run_id for problem in problems)}
    superseded = failed_since(instance, known.since, known=reported, limit=MOST_PER_MESSAGE)
    sent = [*superseded, *new][:MOST_PER_MESSAGE]
    resolved = [key for key in known.titles if key not in current and is_judged(key)]
    if sent or resolved:
        texts = [text_of(problem) for problem in sent]
        texts += [f"dicom_pipeline: resolved: {known.titles[key]}." for key in resolved]
        send(webhook, "\n\n".join(texts))
        _note(instance, [problem for problem in sent if problem in new], resolved, sent)
    return len(sent) + len(resolved)


def text_of(problem: Problem) -> str:
    """Return the text of a message about a problem."""
    return "\n".join((f"dicom_pipeline: {problem.title}.", *problem.details))


def _read(instance: dg.DagsterInstance) -> _Announced:
    """Return what was announced; the first call stores that nothing was."""
    text = instance.daemon_cursor_storage.get_cursor_values({_KEY}).get(_KEY)
    if text is not None:
        return _Announced(**json.loads(text))
    first = _Announced(time.time())
    _write(instance, first)
    return first


def _note(
    instance: dg.DagsterInstance,
    new: Sequence[Problem],
    resolved: Sequence[str],
    sent: Sequence[Problem],
) -> None:
    """Store what a message announced, beside what another process stored while it was sent."""
    known = _read(instance)
    for key in resolved:
        known.titles.pop(key, None)
    known.titles.update({problem.key: problem.title for problem in new})
    runs = [problem.run_id for problem in sent if problem.run_id]
    known.runs = [*known.runs, *runs][-_REMEMBERED_RUNS:]
    _write(instance, known)


def _write(instance: dg.DagsterInstance, announced: _Announced) -> None:
    instance.daemon_cursor_storage.set_cursor_values({_KEY: json.dumps(asdict(announced))})
