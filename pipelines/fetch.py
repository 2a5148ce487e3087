"""Fetch the images of a task, check them, and write the manifest that everything else goes by."""

from benchmark import data, evidence
from benchmark.data import manifest
from benchmark.params import Params, load
from pipelines import Parser, run


def main() -> None:
    """Write ``manifest.json`` and ``samples.csv`` of a task."""
    parser = Parser("fetch", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    fetch(load(), parser.parse_args().task)


def fetch(params: Params, name: str) -> None:
    """Fetch the images of a task and describe them; :class:`BadInput` says where they should be."""
    task = params.task(name)
    described, samples = manifest.describe(data.load(task), task, params)
    folder = evidence.TASKS / name
    evidence.write_json(folder / "manifest.json", described)
    evidence.replace_text(folder / "samples.csv", samples.to_csv(index=False))
    print(
        f"{name}: {described['images']} images, {len(described['classes'])} classes, digest {described['digest'][:12]}"
    )


if __name__ == "__main__":
    run(main)
