"""Whether ``dvc.lock`` is whole, which DVC itself does not ask."""

import re
import subprocess
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from benchmark.errors import BadInput
from benchmark.params import Params


def check(params: Params, path: Path = Path("dvc.lock")) -> None:
    """Raise :class:`BadInput` if ``dvc.lock`` is broken or was cut, as by a kill while DVC wrote it.

    DVC would then take everything that it lacks for stale.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    stages = _stages(text)
    cut = not text.endswith("\n") or not _is_lock(text) or any(map(_is_cut, stages.values()))
    lost = set(_stages(_committed(path))) - set(stages)
    if cut or any(_is_defined(params, name) for name in lost):
        raise BadInput(f"{path}: is broken or was cut; `git checkout {path}` brings it back, then start again")


def _is_lock(text: str) -> bool:
    try:
        values = {event.value for event in YAML(typ="safe").parse(text) if isinstance(event, ScalarEvent)}
    except YAMLError:
        return False
    return {"schema", "stages"} <= values


def _is_defined(params: Params, name: str) -> bool:
    """Whether dvc.yaml defines a stage, for a task or shape that there is."""
    stage, _, key = name.partition("@")
    defined = re.findall(r"^  (\w+):$", Path("dvc.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return stage in defined and key in {"", *params.tasks, *params.costs}


def _is_cut(stage: str) -> bool:
    return "    outs:\n" not in stage or stage.count("    - path: ") != stage.count("      size: ")


def _stages(text: str) -> dict[str, str]:
    """Return stage → its lines in a lock file."""
    parts = re.split(r"^  (\S+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _committed(path: Path) -> str:
    try:
        return subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
