"""Time and memory of large sets of images, through ``fetch``, ``split`` and one epoch.

``python -m tests.performance.sizes`` draws the images, prints the table and puts it into docs/performance.md. It takes
the code as it was last committed.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from ruamel.yaml import YAML
from tabulate import tabulate

from benchmark import params
from tests.performance import page

ROOT = Path(__file__).parents[2]
SETS = [(10_000, 64), (100_000, 64), (2_000, 224), (20_000, 224)]  # images, pixels
COMMANDS = {
    "fetch": ["-m", "pipelines.fetch", "--task", "large"],
    "split": ["-m", "pipelines.split", "--task", "large"],
    "an epoch": ["-m", "tests.performance.sizes", "epoch"],
}
BLOCK = 1_000  # images drawn at once
PAUSE = 0.1  # s, between two looks at a command


def draw(path: Path, count: int, size: int) -> None:
    """Save ``count`` grey images of two classes: blurred squares of random levels, brighter in the second class."""
    random = np.random.default_rng(0)
    parts = {"train": 0.7, "val": 0.15, "test": 0.15}
    arrays = {}
    for part, share in parts.items():
        number = round(share * count)
        labels = (np.arange(number) % 2).astype(np.uint8)
        images = np.empty((number, size, size), np.uint8)
        for start in range(0, number, BLOCK):
            of_block = labels[start : start + BLOCK, None, None]
            levels = random.integers(0, 200, (len(of_block), 8, 8), np.uint8) + 20 * of_block
            enlarged = levels.repeat(size // 8, 1).repeat(size // 8, 2)
            images[start : start + BLOCK] = enlarged + random.integers(0, 16, enlarged.shape, np.uint8)
        arrays |= {f"{part}_images": images, f"{part}_labels": labels[:, None]}
    np.savez(path, **arrays)


def workplace(folder: Path, count: int, size: int) -> None:
    """Clone this repository into ``folder``, with one task whose images are drawn."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    images = folder / "data/large.npz"
    images.parent.mkdir()
    draw(images, count, size)
    with images.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    yaml, path = YAML(), folder / "params.yaml"
    everything = yaml.load(path)
    source = {"kind": "npz", "name": "large", "title": "Drawn at random", "licence": "MIT", "path": images.name}
    everything["tasks"]["large"] = everything["tasks"]["phantom"] | {
        "source": source | {"sha256": digest, "classes": ["darker", "brighter"]},
        "native_size": size,
        "input_size": size,
        "recipe": everything["tasks"]["phantom"]["recipe"] | {"epochs": 1},
    }
    everything["models"]["shufflenet"]["tasks"] = ["large"]
    yaml.dump(everything, path)


def epoch() -> None:
    """Train ShuffleNet for one epoch on the images of the workplace, with one thread."""
    import torch

    from benchmark.training import dataset as datasets
    from benchmark.training import networks
    from pipelines.listed import cell

    torch.set_num_threads(1)
    run = cell(params.load(), "large", "shufflenet")[0]
    dataset = datasets.load(run)
    train, validation = dataset.part("train"), dataset.part("validation")
    network = run.factory(num_classes=2, in_chans=1, img_size=run.task.input_size, **run.model.options)
    given = (train, validation, dataset.levels(train), run.recipe, 0, "cpu", Path("checkpoint.pt"))
    networks.fit(network, *given, lambda done: None)


def measured(folder: Path, command: list[str]) -> str:
    """Return CPU seconds of a command and its workers, and the peak memory of the largest process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RETABLE_")}
    process = psutil.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    seconds: dict[psutil.Process, float] = {}
    peak = 0.0
    while process.poll() is None:
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                used = one.cpu_times()
                seconds[one] = used.user + used.system
                peak = max(peak, one.memory_info().rss / 2**30)
        time.sleep(PAUSE)
    if process.returncode:
        raise SystemExit(process.returncode)
    return f"{sum(seconds.values()):,.0f} s, {peak:.1f} GiB"


def main() -> None:
    """Measure every set, print the table and write it into the page."""
    if sys.argv[1:] == ["epoch"]:
        epoch()
        return
    rows = []
    for count, size in SETS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "retable")
            workplace(place, count, size)
            rows.append([f"{count:,} of {size} px", *(measured(place, command) for command in COMMANDS.values())])
            print(*rows[-1], sep=" | ", flush=True)
    page.put({"sizes": tabulate(rows, ["images", *COMMANDS], tablefmt="github")})


if __name__ == "__main__":
    main()
