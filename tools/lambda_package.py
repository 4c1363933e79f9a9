"""Build dist/lambda.zip: the AWS Lambda function with only the modules and packages it needs.

Belongs here: selecting packages and files, and writing the zip.
Does not belong here: the function (extract.lambda_), its deployment (deploy/lambda).

Packages are installed with the versions and hashes of requirements.lock. The build is
reproducible: the same input gives the same bytes, so an unchanged package needs no deployment.
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
from dicom_pipeline.mapping.confidentiality_profile import PROFILE_CSV
from dicom_pipeline.mapping.date_rules import DATE_RULES_CSV
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV
from dicom_pipeline.mapping.vr_functions import VR_FUNCTIONS_CSV

SEEDS = (MAPPING_CSV, IDENTITY_CSV, PROFILE_CSV, VR_FUNCTIONS_CSV, DATE_RULES_CSV)
HANDLER = "dicom_pipeline.extract.lambda_.handler"
ZIP = PROJECT_DIR / "dist" / "lambda.zip"
LOCK = PROJECT_DIR / "requirements.lock"
# as in deploy/lambda/template.yaml; older runtimes have a glibc that pyarrow does not support
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
MAX_UNZIPPED_BYTES = 250_000_000
PACKAGES = (
    "boto3", "botocore", "jmespath", "pyarrow", "pydicom", "python-dateutil", "s3transfer", "six",
    "urllib3",
)  # fmt: skip
# libraries of pyarrow that `import pyarrow` loads
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
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # earliest time that zip can store


def modules(name: str = HANDLER) -> Iterator[Path]:
    """Return the modules of this project that a module imports, directly or indirectly."""
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
    """Return the lines of requirements.lock for the packages of the function, with hashes."""
    blocks = {match[1]: match[0] for match in _LOCKED.finditer(LOCK.read_text())}
    missing = set(PACKAGES) - set(blocks)
    if missing:
        raise SystemExit(f"requirements.lock lacks {', '.join(sorted(missing))}")
    return "".join(blocks[name] for name in PACKAGES)


def is_used(name: str) -> bool:
    """Return whether the function needs a file of the packages."""
    if _UNUSED.fullmatch(name):
        return False
    file = name.removeprefix("pyarrow/")
    return file == name or ".so" not in file or bool(_ARROW.fullmatch(file))


def build(target: Path = ZIP, python: str = PYTHON) -> tuple[int, int]:
    """Build the zip.

    Parameters
    ----------
    target
        Path of the zip.
    python
        Version of the interpreter in AWS Lambda.

    Returns
    -------
    tuple of int
        Size of the zip and of its content, in bytes.
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
        for path in (*modules(), *SEEDS):
            copy = root / path.relative_to(PROJECT_DIR)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        return _write_zip(root, target)


def _write_zip(root: Path, target: Path) -> tuple[int, int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = path.relative_to(root).as_posix()
            if not is_used(name):
                continue
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            data = path.read_bytes()
            archive.writestr(entry, data)
            size += len(data)
    return target.stat().st_size, size


def main() -> None:
    """Build the zip, and print its size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", default=PYTHON, help="version of the function's interpreter")
    parser.add_argument("--output", type=Path, default=ZIP)
    options = parser.parse_args()
    zipped, unzipped = build(options.output, options.python)
    sys.stdout.write(
        f"{options.output.name} for Python {options.python}: {zipped / 1e6:.1f} MB, "
        f"unzipped {unzipped / 1e6:.1f} MB of {MAX_UNZIPPED_BYTES / 1e6:.0f}\n"
    )
    if unzipped > MAX_UNZIPPED_BYTES:
        raise SystemExit("the package exceeds the limit of AWS Lambda")


if __name__ == "__main__":
    main()
