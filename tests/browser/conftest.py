"""The walk has the same zones as the tests of the orchestration."""

from __future__ import annotations

from tests.orchestration.conftest import environment

__all__ = ["environment"]
