"""The time of an epoch: the trainer beside a bare loop, and beside MedMNIST's own script.

``python -m tests.performance.trainer [CHECKOUT]`` prints the tables and puts them into docs/performance.md. CHECKOUT is
one of github.com/MedMNIST/experiments; without it, the second table stays as it is. Run nothing else meanwhile.
"""

import importlib
import os
import sys
import tempfile
import time
import types
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate

from benchmark import data, params
from benchmark.training import networks
from benchmark.training.dataset import Part
from pipelines.listed import cell
from tests.performance import page

MODELS, SIZES = ("cnn", "resnet50", "emanet", "vit"), (32, 64)
IMAGES, VALIDATION, TIMES = 320, 64, 9
EPOCHS = 4  # of MedMNIST's script and of ours, side by side


def against_a_bare_loop() -> str:
    """Return a table: for each network and size, the time of a bare loop's epoch over that of the trainer's."""
    loaded = params.load()
    rows = []
    for name in MODELS:
        for size in SIZES:
            run = cell(loaded, "phantom", name)[0]
            recipe = run.recipe.model_copy(update={"epochs": 1})
            parts = [images(count, size) for count in (IMAGES, VALIDATION)]
            levels = networks.Levels((100.0,), (50.0,))
            network = run.factory(num_classes=3, in_chans=1, img_size=size, **run.model.options)
            times = []
            for _ in range(TIMES + 1):  # the first warms up
                ours = timed(lambda: trained(network, parts, levels, recipe))  # noqa: B023
                bare = timed(lambda: bare_loop(network, parts, levels, recipe))  # noqa: B023
                times.append(bare / ours)
            ratios = sorted(times[1:])
            rows.append([name, size, f"{median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}"])
            print(*rows[-1], flush=True)
    return tabulate(rows, ["network", "px", "bare loop / trainer", f"range of {TIMES}"], tablefmt="github")


def images(count: int, size: int) -> Part:
    random = np.random.default_rng(0)
    return Part(random.integers(0, 256, (count, 1, size, size), np.uint8), np.arange(count) % 3)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def trained(network, parts, levels, recipe) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "checkpoint.pt")
        networks.fit(network, *parts, levels, recipe, 0, "cpu", checkpoint, lambda done: None)


def bare_loop(network, parts, levels, recipe) -> None:
    """Train an epoch with the same augmentation and look at the validation images once, and do nothing else."""
    torch.use_deterministic_algorithms(False)
    train, validation = (networks.normalised(torch.from_numpy(part.images), levels) for part in parts)
    labels = torch.from_numpy(parts[0].labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, fused=True)
    generator = torch.Generator().manual_seed(0)
    network.train()
    for batch in torch.randperm(len(labels), generator=generator).split(recipe.batch_size):
        inputs = networks.augment(train[batch], recipe.augmentation, generator)
        loss = F.cross_entropy(network(inputs.contiguous(memory_format=torch.channels_last)), labels[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        network(validation.contiguous(memory_format=torch.channels_last)).argmax(1)


def against_medmnist(checkout: Path) -> str:
    """Return a table: the time of an epoch of ResNet-18 on BreastMNIST, batch 128, here and by MedMNIST's script.

    Theirs scores the training, validation and test images after each epoch, ours the validation images.
    """
    loaded = params.load()
    run = cell(loaded, "breastmnist-official", "resnet18_28")[0]
    recipe = run.recipe.model_copy(update={"epochs": EPOCHS})
    everything = data.load(run.task)
    official = np.array(everything.official)
    planes = everything.pixels.transpose(0, 3, 1, 2)
    rows = [official == part for part in ("train", "validation")]
    parts = [Part(np.ascontiguousarray(planes[index]), everything.labels[index]) for index in rows]
    ours, theirs = [], []
    script = medmnist_script(checkout, theirs)
    for _ in range(3):
        network = run.factory(num_classes=2, in_chans=1, img_size=28, **run.model.options)
        total = timed(lambda: trained(network, parts, networks.Levels((127.5,), (127.5,)), recipe))  # noqa: B023
        ours.append(total / EPOCHS)
        with tempfile.TemporaryDirectory() as folder:
            script.main("breastmnist", folder, EPOCHS, "-1", 128, 28, False, "resnet18", False, False, None, "run")
    ratio = median(ours) / median(theirs)
    row = [f"{median(ours):.2f} s", f"{median(theirs):.2f} s", f"{ratio:.2f}"]
    return tabulate([row], ["an epoch here", "by MedMNIST's script", "ratio"], tablefmt="github")


def medmnist_script(checkout: Path, times: list[float]) -> types.ModuleType:
    """Return their script as a module; the time of each of its epochs, but for the first, is appended to ``times``.

    Its log for TensorBoard is left out.
    """

    class Silent:
        def __init__(self, **_: object) -> None:
            pass

        def add_scalar(self, *_: object) -> None:
            pass

        def close(self) -> None:
            pass

    def epochs(count: int):
        for epoch in range(count):
            before = time.perf_counter()
            yield epoch
            if epoch:
                times.append(time.perf_counter() - before)

    sys.modules["tensorboardX"] = types.SimpleNamespace(SummaryWriter=Silent)
    sys.path.insert(0, str(checkout / "MedMNIST2D"))
    script = importlib.import_module("train_and_eval_pytorch")
    script.trange = epochs
    return script


def main() -> None:
    torch.set_num_threads(1)
    page.put({"bare loop": against_a_bare_loop()})
    if len(sys.argv) > 1:
        page.put({"medmnist": against_medmnist(Path(sys.argv[1]))})


if __name__ == "__main__":
    main()
