"""Containers without an engine: the content of the image in a root file system of its own.

Belongs here: what the Containerfile puts into the image, what Kubernetes gives to a pod (volumes,
variables, user), and processes in a mount namespace with a read-only root file system.
Does not belong here: the base image and the installed packages; those of this machine are used.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.utils.build import exclude_paths

from dicom_pipeline.config.project import PROJECT_DIR

CONTAINERFILE = PROJECT_DIR / "deploy" / "Containerfile"
IGNORED = PROJECT_DIR / ".dockerignore"
# of the machine, mounted read-only
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc")
_NEW_ROOT = "/mnt"  # exists everywhere; only the namespace sees what is mounted there


def instructions() -> list[tuple[str, str]]:
    """Return instructions and arguments of the Containerfile, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def copies() -> list[tuple[list[str], str]]:
    """Return sources and target of each copy from the build context."""
    found = []
    for name, arguments in instructions():
        words = [word for word in shlex.split(arguments) if not word.startswith("--chmod")]
        if name == "COPY" and not words[0].startswith("--from"):
            found.append((words[:-1], words[-1]))
    return found


def context(root: Path) -> set[str]:
    """Return the files of the build context, by the rules of Docker's client."""
    paths = exclude_paths(str(root), IGNORED.read_text().splitlines())
    return {path for path in paths if (root / path).is_file()}


def variables() -> dict[str, str]:
    """Return the variables of the image."""
    (given,) = [arguments for name, arguments in instructions() if name == "ENV"]
    return dict(word.split("=", 1) for word in shlex.split(given))


def copy_content(image: Path) -> None:
    """Copy what the Containerfile copies into the image; only its owner may read it."""
    sent = context(PROJECT_DIR)
    for sources, target in copies():
        place = image / "app" / target if not target.startswith("/") else image / target[1:]
        for source in sources:
            for name in (f for f in sent if f == source or f.startswith(f"{source}/")):
                inside = Path(name).relative_to(source) if name != source else Path()
                whole = place / (Path(name).name if target.endswith("/") else "") / inside
                whole.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(PROJECT_DIR / name, whole)
    for path in image.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (image / "usr/local/bin/dicom-pipeline").chmod(0o755)
    for path in (image, image / "usr", image / "usr/local", image / "usr/local/bin"):
        path.chmod(0o755)


@dataclass(frozen=True)
class Volume:
    """What is mounted at a path; a disk in memory that every user may write to without a source."""

    path: str
    source: Path | None = None
    read_only: bool = False


@dataclass(frozen=True)
class Container:
    """A container of the image.

    Attributes
    ----------
    image
        Directory with the copied content.
    volumes
        What is mounted.
    environment
        All variables.
    uid, gid, groups
        The user, who has no capabilities; root, with all of them, if ``uid`` is 0.
    is_read_only
        Whether the content of the image cannot be changed.
    """

    image: Path
    volumes: Sequence[Volume] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    is_read_only: bool = True

    def start(self, *command: str, umask: int = 0o022) -> subprocess.Popen[str]:
        """Start a command; its output has the errors as well."""
        script = "\n".join(["set -e", *self._mounts(), self._enter(command, umask)])
        return subprocess.Popen(
            ["unshare", "--mount", "--", "sh", "-c", script],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, code: int = 0, umask: int = 0o022) -> str:
        """Run a command to its end, check the exit code and return the output."""
        process = self.start(*command, umask=umask)
        output, _ = process.communicate(timeout=400)
        assert process.returncode == code, output
        return output

    def _mounts(self) -> Iterable[str]:
        yield "mount --make-rprivate /"
        # mounted before the new root, in case it hides them
        yield f"mount -t tmpfs -o mode=755 tmpfs {_NEW_ROOT}"
        for name in _SYSTEM:
            path = Path("/", name)
            if path.is_symlink():
                yield f"ln -s {os.readlink(path)} {_NEW_ROOT}/{name}"
            elif path.is_dir():
                yield from _bind(path, str(path), read_only=True)
        for path in (Path("/proc"), Path("/dev")):
            yield f"mkdir {_NEW_ROOT}{path} && mount --rbind {path} {_NEW_ROOT}{path}"
        yield from _bind(Path(sys.prefix), "/opt/venv", read_only=True)
        for prefix in {sys.prefix, sys.base_prefix}:
            if not prefix.startswith("/usr"):
                yield from _bind(Path(prefix), prefix, read_only=True)
        yield from _bind(self.image / "app", "/app", self.is_read_only)
        yield from _bind(self.image / "opt/dagster", "/opt/dagster", self.is_read_only)
        yield from _bind(self.image / "usr/local/bin", "/opt/bin", read_only=True)
        for volume in self.volumes:
            if volume.source is None:
                yield f"mkdir -p {_NEW_ROOT}{volume.path}"
                yield f"mount -t tmpfs -o mode=777 tmpfs {_NEW_ROOT}{volume.path}"
            else:
                yield from _bind(volume.source, volume.path, volume.read_only)
        yield f"mount -o remount,ro {_NEW_ROOT}"

    def _enter(self, command: Sequence[str], umask: int) -> str:
        environment = dict(self.environment)
        environment["PATH"] = f"/opt/bin:{environment['PATH']}"
        inner = f"umask {umask:o}; cd /app; exec {shlex.join(command)}"
        words = ["env", "-i", *(f"{k}={v}" for k, v in environment.items()), "sh", "-c", inner]
        if self.uid:
            groups = ["--groups", ",".join(map(str, self.groups))]
            words = [
                "setpriv", f"--reuid={self.uid}", f"--regid={self.gid}",
                *(groups if self.groups else ["--clear-groups"]),
                "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", *words,
            ]  # fmt: skip
        return f"exec chroot {_NEW_ROOT} {shlex.join(words)}"


def _bind(source: Path, path: str, read_only: bool) -> Iterable[str]:
    target = f"{_NEW_ROOT}{path}"
    create = f"mkdir -p {target}"
    if source.is_file():
        create = f"mkdir -p {Path(target).parent} && touch {target}"
    yield f"[ -e {target} ] || {{ {create}; }}"
    yield f"mount --bind {source} {target}"
    if read_only:
        yield f"mount -o remount,bind,ro {target}"


def build_image(image: Path) -> None:
    """Copy the content, and run the last command of the Containerfile in it."""
    copy_content(image)
    command = [arguments for name, arguments in instructions() if name == "RUN"][-1]
    container = Container(
        image, volumes=[Volume("/tmp")], environment=variables(), is_read_only=False
    )
    container.run("sh", "-c", command)


class Kubelet:
    """What a node does for pods: volumes, variables and the user.

    Parameters
    ----------
    directory
        For the content of volumes, which pods share.
    image
        Directory with the content of the image.
    configs, secrets
        Files of each ConfigMap and Secret by name.
    services
        Names of the Services in the namespace.
    """

    def __init__(
        self,
        directory: Path,
        image: Path,
        configs: Mapping[str, dict[str, str]],
        secrets: Mapping[str, dict[str, str]],
        services: Iterable[str],
    ) -> None:
        self.directory, self.image = directory, image
        self.configs, self.secrets, self.services = configs, secrets, services

    def container(
        self,
        pod: Mapping[str, Any],
        *more: Volume,
        uid: int | None = None,
        environment: Mapping[str, str] = {},
    ) -> Container:
        """Return the only container of a pod.

        Parameters
        ----------
        pod
            The ``spec`` of the pod.
        more
            Volumes in addition.
        uid
            User and group instead of those of the pod, as in OpenShift.
        environment
            Variables that replace those of the pod.
        """
        (container,) = pod["containers"]
        security = pod["securityContext"]
        group = security.get("fsGroup")
        assert container["securityContext"]["readOnlyRootFilesystem"]
        sources = {volume["name"]: self._source(volume, group) for volume in pod["volumes"]}
        volumes = []
        for mount in container["volumeMounts"]:
            source = sources[mount["name"]]
            if source is not None and "subPath" in mount:
                source /= mount["subPath"]
                source.mkdir(exist_ok=True)
                source.chmod(0o2770)
            volumes.append(Volume(mount["mountPath"], source, mount.get("readOnly", False)))
        if pod.get("automountServiceAccountToken", True):
            volumes.append(self._token())
        return Container(
            self.image,
            volumes=[*volumes, *more],
            environment={**variables(), **self._variables(pod, container), **environment},
            uid=uid or security["runAsUser"],
            gid=uid or security["runAsGroup"],
            groups=() if group is None else (group,),
        )

    def _token(self) -> Volume:
        path = self.directory / "token"
        path.mkdir(mode=0o755, exist_ok=True)
        for name in ("token", "ca.crt", "namespace"):
            (path / name).write_text("made up")
            (path / name).chmod(0o644)
        return Volume("/var/run/secrets/kubernetes.io/serviceaccount", path, read_only=True)

    def _source(self, volume: Mapping[str, Any], group: int | None) -> Path | None:
        if "emptyDir" in volume:
            return None
        if "persistentVolumeClaim" in volume:
            path = self.directory / volume["persistentVolumeClaim"]["claimName"]
            if not path.exists():
                path.mkdir()
                os.chown(path, 0, 0 if group is None else group)
                path.chmod(0o755 if group is None else 0o2770)
            return path
        if "secret" in volume:
            name, mode = volume["secret"]["secretName"], volume["secret"]["defaultMode"]
            files = self.secrets[name]
        else:
            name, mode = volume["configMap"]["name"], 0o644
            items = volume["configMap"].get("items")
            keys = [item["key"] for item in items] if items else [*self.configs[name]]
            files = {key: self.configs[name][key] for key in keys}
        path = self.directory / f"{name}-{group}-{len(files)}"
        path.mkdir(mode=0o755, exist_ok=True)
        for file, text in files.items():
            (path / file).write_text(text)
            os.chown(path / file, 0, 0 if group is None else group)
            (path / file).chmod(mode)
        return path

    def _variables(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
        found = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
        if pod.get("enableServiceLinks", True):
            for service in self.services:
                name = service.upper().replace("-", "_")
                found |= {f"{name}_SERVICE_HOST": "10.0.0.1", f"{name}_PORT": "tcp://10.0.0.1:80"}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found |= self.configs[source["configMapRef"]["name"]]
            else:
                found |= self.secrets[source["secretRef"]["name"]]
        return found | {each["name"]: each["value"] for each in container.get("env", [])}
