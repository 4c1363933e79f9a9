"""A word to people when a run failed: one JSON message to a webhook.

Belongs here: the message's form and its way out.
Does not belong here: which run failed (orchestration.alert_sensor). The address may hold a secret:
it stands in no message, log or error.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

SECONDS = 10.0
ATTEMPTS = 2


class AlertNotSent(Exception):
    """The webhook did not take the message; says what happened, never where it was sent to."""


def send(webhook: str, text: str, *, seconds: float = SECONDS) -> None:
    """Send a text to a webhook as Slack, Mattermost and Teams' workflows take it.

    Parameters
    ----------
    webhook
        Address, with http or https.
    text
        The message; holds nothing that identifies anybody.
    seconds
        How long one attempt may take.

    Raises
    ------
    AlertNotSent
        It could not be reached, took too long, or refused.
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
    raise AlertNotSent(f"the webhook of DICOM_ALERT_WEBHOOK did not take the alert: {problem}")


def _post(webhook: str, text: str, seconds: float) -> None:
    request = urllib.request.Request(  # noqa: S310  # http or https: the setting is checked
        webhook,
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json", "User-Agent": "dicom-pipeline"},
    )
    # a redirect could lead anywhere, and would be followed without the message
    with _OPENER.open(request, timeout=seconds) as answer:
        answer.read(1024)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object, **more: object) -> None:
        """Follow none: urllib takes it for an answer of 3xx then."""


_OPENER = urllib.request.build_opener(_NoRedirect)
