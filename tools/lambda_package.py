"""dist/lambda.zip: the function of AWS Lambda with what it needs, and nothing else.

Belongs here: which packages, what of them is left out, and the zip.
Does not belong here: the function (extract.aws_lambda), where it runs (deploy/lambda).

The same versions as everywhere, by the hashes of requirements.lock. The same input makes the same
bytes, so that a deployment without a change is none.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV

HANDLER = "dicom_pipeline.extract.lambda_.handler"
ZIP = PROJECT_DIR / "dist" / "lambda.zip"
LOCK = PROJECT_DIR / "requirements.lock"
# as deploy/lambda/template.yaml has it; older ones run on a system that pyarrow does not support
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
MOST_BYTES = 250_000_000
PACKAGES = (
    "boto3", "botocore", "jmespath", "pyarrow", "pydicom", "python-dateutil", "s3transfer", "six",
    "urllib3",
)  # fmt: skip
# parts of pyarrow that are loaded with it
_ARROW = re.compile(
    r"(lib|_compute|_fs|_parquet)\.[^/]*\.so"
    r"|lib(arrow|arrow_(acero|compute|dataset|python|substrait)|parquet)\.so\.\d+"
)
_UNUSED = re.compile(
    r"bin/.*"
    r"|(.*/)?__pycache__/.*"
    r"|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)"
    r"|pyarrow/(include|includes|src|tests)/.*|pyarrow/.*\.(pyx|pxd|pxi|h|cc)"
    r"|pydicom/data/(charset_files|palettes|test_files)/.*"
    r"|boto3/examples/.*"
    r"|botocore/data/(?!s3/|sso/|sso-oidc/|sts/)[^/]+/.*"
)
_LOCKED = re.compile(r"^(\S+?)==.*\\\n(?: +--hash=.*\n)+", re.MULTILINE)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def modules(name: str = HANDLER) -> Iterator[Path]:
    """Our own modules that a module takes, by its imports and theirs, with the packages above."""
    seen: set[str] = set()
    found = [name]
    while found:
        name = found.pop()
        path = PROJECT_DIR / f"{name.replace('.', '/')}.py"
        path = path if path.is_file() else path.with_suffix("") / "__init__.py"
        if name in seen or not name.startswith("dicom_pipeline") or not path.is_file():
            continue
        seen.add(name)
        yield path
        found.append(name.rpartition(".")[0])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]


def requirements() -> str:
    """Lines of the lock for the packages of the function, with their hashes."""
    blocks = {match[1]: match[0] for match in _LOCKED.finditer(LOCK.read_text())}
    missing = set(PACKAGES) - set(blocks)
    if missing:
        raise SystemExit(f"requirements.lock lacks {', '.join(sorted(missing))}")
    return "".join(blocks[name] for name in PACKAGES)


def is_used(name: str) -> bool:
    """Whether a file of the packages is any of the function's."""
    if _UNUSED.fullmatch(name):
        return False
    file = name.removeprefix("pyarrow/")
    return file == name or ".so" not in file or bool(_ARROW.fullmatch(file))


def build(target: Path = ZIP, python: str = PYTHON) -> tuple[int, int]:
    """Make the zip.

    Parameters
    ----------
    target
        Its path.
    python
        Version of the interpreter that it is for.

    Returns
    -------
    tuple of int
        Bytes of the zip, and of what is in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(requirements())
        platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-input", "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:",
             "--implementation", "cp", "--python-version", python, *platforms,
             "--target", str(root), "--requirement", str(wanted)],
            check=True,
        )  # fmt: skip
        for path in (*modules(), MAPPING_CSV, IDENTITY_CSV):
            copy = root / path.relative_to(PROJECT_DIR)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        return _zipped(root, target)


def _zipped(root: Path, target: Path) -> tuple[int, int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = path.relative_to(root).as_posix()
            if not is_used(name):
                continue
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            data = path.read_bytes()
            archive.writestr(entry, data)
            size += len(data)
    return target.stat().st_size, size


def main() -> None:
    """Make the zip, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=PYTHON, help="version of the function's interpreter")
    parser.add_argument("--output", type=Path, default=ZIP)
    options = parser.parse_args()
    zipped, unzipped = build(options.output, options.python)
    sys.stdout.write(
        f"{options.output.name} for Python {options.python}: {zipped / 1e6:.1f} MB, "
        f"unzipped {unzipped / 1e6:.1f} MB of {MOST_BYTES / 1e6:.0f}\n"
    )
    if unzipped > MOST_BYTES:
        raise SystemExit("that is more than AWS Lambda takes")


if __name__ == "__main__":
    main()
