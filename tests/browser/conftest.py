"""The browser test uses the zones of the orchestration tests."""

from __future__ import annotations

from tests.orchestration.conftest import environment

__all__ = ["environment"]
