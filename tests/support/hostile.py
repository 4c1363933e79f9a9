"""Header reader that dies, hangs or raises, as hostile files may cause in a worker."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract import worker
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import Header


class HostileReader(PydicomReader):
    """Reader that executes the command in the first word of a file."""

    def read(self, file: OpenFile) -> Header:
        order = file.read_at(0, 16).split(b" ")[0]
        if order == b"KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if order == b"EXIT":
            os._exit(3)
        if order == b"HANG":
            time.sleep(600)
        if order == b"MEMORY":
            raise MemoryError
        if order == b"GREEDY":
            return Header([str(len(bytearray(8 << 30)))], None, 0, "hostile")
        if order == b"RAISE":
            raise RecursionError("a value of a patient")
        if order == b"SURROGATE":
            return Header(["\ud800"] * len(self.attribute_paths), None, 0, "hostile")
        if order == b"MODULES":
            return Header(
                [" ".join(sorted(sys.modules))] * len(self.attribute_paths), None, 0, "hostile"
            )
        if order == b"SLOW":
            time.sleep(0.05)
            return Header(
                [file.read_at(5, 9).decode()] * len(self.attribute_paths), None, 0, "hostile"
            )
        return super().read(file)


def _in_worker(*paths: Path) -> worker.WorkerPlan:
    worker.READERS[Reader.FAST] = HostileReader
    return worker.WorkerPlan(*paths)


class HostilePlan(worker.WorkerPlan):
    """Worker plan that replaces the reader in the worker process."""

    def __reduce__(self) -> Any:
        return _in_worker, (self.landing, self.raw_dir, self.mapping_csv)
