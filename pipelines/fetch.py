"""Fetch the images of a task, check them, and write the manifest that everything else goes by."""

from typing import Any

from benchmark import data, evidence
from benchmark.data import Images, manifest
from benchmark.params import Params, Task, load
from pipelines import Parser, run


def main() -> None:
    """Write ``manifest.json`` and ``samples.csv`` of a task."""
    parser = Parser("fetch", __doc__, "--task brain-mri")
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    fetch(load(), parser.parse_args().task)


def fetch(params: Params, name: str) -> None:
    """Fetch the images of a task and describe them; :class:`BadInput` says where they should be."""
    task = params.task(name)
    images = data.load(task)
    described, texts = describe(images, task, params)
    for file, text in texts.items():
        evidence.replace_text(evidence.TASKS / name / file, text)
    skipped = [f"{count} {kind}" for kind, count in images.skipped.items()]
    print(
        f"{name}: {described['images']} images, {len(described['classes'])} classes, digest {described['digest'][:12]}"
        + (f"; skipped files: {', '.join(skipped)}" if skipped else "")
    )
    if missed := manifest.missed(images, task, described):
        print(f"{name}: {missed}")


def describe(images: Images, task: Task, params: Params) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the manifest of a task's images, and name → text of the files that describe them."""
    described, samples = manifest.describe(images, task, params)
    return described, {"manifest.json": evidence.json_text(described), "samples.csv": samples.to_csv(index=False)}


if __name__ == "__main__":
    run(main)
