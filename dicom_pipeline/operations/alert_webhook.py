"""Alerts: one JSON message to a webhook.

Belongs here: the format of the message and its HTTP request.
Does not belong here: the text (orchestration.alerts), and what is wrong (orchestration.problems).

The address may contain a secret: it appears in no message, log or error.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

SECONDS = 10.0
ATTEMPTS = 2


class AlertNotSent(Exception):
    """The webhook did not accept the message; the error does not contain its address."""


def send(webhook: str, text: str, *, seconds: float = SECONDS) -> None:
    """Send a text to a webhook, in the format of Slack, Mattermost and Teams workflows.

    Server errors (5xx), status 429 and connection errors are tried once more.

    Parameters
    ----------
    webhook
        Address, http or https.
    text
        The message; it must not identify a person.
    seconds
        Timeout of one attempt.

    Raises
    ------
    AlertNotSent
        The webhook cannot be reached, did not answer in time, or rejected the message.
    """
    problem = ""
    for _ in range(ATTEMPTS):
        try:
            _post(webhook, text, seconds)
            return
        except urllib.error.HTTPError as answer:
            answer.close()
            problem = f"it answered {answer.code}"
            if answer.code < 500 and answer.code != 429:
                break
        except TimeoutError:
            problem = f"it did not answer in {seconds:.0f} s"
        except urllib.error.URLError as error:
            slow = isinstance(error.reason, TimeoutError)
            problem = f"it did not answer in {seconds:.0f} s" if slow else "it cannot be reached"
        except (OSError, http.client.HTTPException, ValueError):
            problem = "it cannot be reached"
    raise AlertNotSent(f"the webhook of DICOM_ALERT_WEBHOOK did not accept the alert: {problem}")


def _post(webhook: str, text: str, seconds: float) -> None:
    request = urllib.request.Request(  # noqa: S310  # http or https: the setting is checked
        webhook,
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json", "User-Agent": "dicom-pipeline"},
    )
    # a redirect could lead to another host, and urllib would follow it without the message
    with _OPENER.open(request, timeout=seconds) as answer:
        answer.read(1024)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object, **more: object) -> None:
        """Follow no redirect: urllib then raises an `HTTPError` with the 3xx status."""


_OPENER = urllib.request.build_opener(_NoRedirect)
