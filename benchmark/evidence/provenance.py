"""Where evidence comes from: commit, versions, machine, and the digest of each file of a run."""

import platform
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence.digests import digest, file_digest

PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-image", "pillow", "torch", "torchvision", "timm", "captum")


OBJECTS = ("files", "images", "inputs", "machine", "robustness", "versions")  # what of it contains more


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Write the provenance of the run in ``folder``, last of all its files, with the digest of each of them."""
    evidence.write_json(folder / evidence.PROVENANCE, facts | {"files": file_digests(folder)})


def read(folder: Path) -> dict[str, Any]:
    """Return the provenance of the run in ``folder``; :class:`BadInput` if it is missing or of another shape."""
    facts = evidence.read_json(folder / evidence.PROVENANCE)
    if wrong := [key for key in OBJECTS if not isinstance(facts.get(key, {}), dict)]:
        raise BadInput(f"{folder / evidence.PROVENANCE}: {wrong[0]} must be an object; {evidence.RESTORE}")
    return facts


def is_whole(folder: Path) -> bool:
    """Whether a folder contains a finished run whose files are what they were when it was finished."""
    if not (folder / evidence.PROVENANCE).exists():
        return False
    try:
        files = read(folder)["files"]
    except BadInput:
        return False
    return set(evidence.OF_ALL) <= set(files) and files == file_digests(folder)


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each deterministic file of a run."""
    paths = (folder / name for name in evidence.DETERMINISTIC)
    return {path.name: file_digest(path) for path in paths if path.exists()}


@cache
def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that the numbers of a run rest on; None for one not here."""
    packages = {name: _version(name) for name in PACKAGES}
    xgboost = _version("xgboost-cpu") or _version("xgboost")
    return {"python": platform.python_version()} | packages | {"xgboost": xgboost}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def machine(device: str = "cpu") -> dict[str, str]:
    """Return the kind of processor and the system, and of a CUDA device its name.

    Evidence is the same byte for byte on equal ones.
    """
    info = {}
    cpu = Path("/proc/cpuinfo")
    for line in cpu.read_text().split("\n\n")[0].splitlines() if cpu.exists() else []:
        key, _, value = line.partition(":")
        info[key.strip()] = value.strip()
    names = ("cpu family", "model", "stepping", "CPU implementer", "CPU variant", "CPU part")  # the last three on ARM
    kind = [info[key] for key in names if key in info]
    flags = digest(sorted(info.get("flags", info.get("Features", "")).split()))[:8]
    facts = {
        "processor": info.get("model name") or platform.processor() or platform.machine(),
        "kind": "-".join([*kind, flags]),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device == "cuda":
        import torch

        facts["accelerator"] = torch.cuda.get_device_name()
    return facts


def commit(code: Sequence[Path]) -> str | None:
    """Return the commit that trains, marked if ``code`` or params.yaml differ from it.

    Outside a repository it is the one that `git archive` wrote down; None where there is none.
    """
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", *map(str, code), "params.yaml")
    except (OSError, subprocess.CalledProcessError):
        return _archived_commit()
    return head + ("+changes" if changed else "")


def _archived_commit() -> str | None:
    path = Path(".git_archival.txt")
    commit = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    return commit if re.fullmatch(r"[0-9a-f]+(\+changes)?", commit) else None


def _git(*call: str) -> str:
    return subprocess.run(["git", *call], capture_output=True, text=True, check=True).stdout.strip()
