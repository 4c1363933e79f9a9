"""The Lambda function with a reader that fails as a file requests; see `HostileReader`."""

from __future__ import annotations

from typing import Any

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract import worker
from dicom_pipeline.extract.lambda_ import handler as aws_lambda
from dicom_pipeline.headers.reader import Header
from tests.cloud.lambda_server import MOST
from tests.support.hostile import HostileReader

_large: list[bool] = []


class _Reader(HostileReader):
    def read(self, file: OpenFile) -> Header:
        if file.read_at(0, 5) == b"LARGE":
            _large.append(True)
        return super().read(file)


worker.READERS[Reader.FAST] = _Reader


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    _large.clear()
    answer = aws_lambda.handler(event, context)
    return {**answer, "padding": "x" * MOST} if _large else answer
