"""The time of an epoch: the trainer beside a bare loop, and beside MedMNIST's own script.

``python -m tests.performance.trainer [CHECKOUT]`` prints the tables and puts them into docs/performance.md. CHECKOUT is
one of github.com/MedMNIST/experiments; without it, the tables about it stay as they are. Run nothing else meanwhile.
"""

import importlib
import os
import sys
import tempfile
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
PROFILE = {  # what an operation's name contains, and what it is; the first that fits
    "convolution_backward": "convolutions, gradients",
    "conv": "convolutions",
    "batch_norm": "batch normalisation, with gradients",
    "adam": "optimizer",
}
OTHER = "other operations"


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
    ours, theirs = [], []

    @contextmanager
    def noted() -> Iterator[None]:
        began = time.perf_counter()
        yield
        theirs.append(time.perf_counter() - began)

    for _ in range(3):
        ours.append(timed(lambda: trained_here(EPOCHS)) / EPOCHS)
        trained_there(checkout, EPOCHS, noted)
    row = [f"{median(ours):.2f} s", f"{median(theirs):.2f} s", f"{median(ours) / median(theirs):.2f}"]
    return tabulate([row], ["an epoch here", "by MedMNIST's script", "ratio"], tablefmt="github")


def profiles(checkout: Path) -> str:
    """Return a table: what the CPU seconds of such an epoch are spent on, here and by MedMNIST's script."""
    with profiler() as here:
        trained_here(1)
    there = profiler()
    trained_there(checkout, 1, lambda: there)
    columns = [seconds(here), seconds(there)]
    kinds = [*dict.fromkeys(PROFILE.values()), OTHER]
    rows = [[kind, *(f"{column[kind]:.2f} s" for column in columns)] for kind in kinds]
    return tabulate(rows, ["operations", "here", "by MedMNIST's script"], tablefmt="github")


def profiler() -> torch.profiler.profile:
    return torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])


def seconds(profile: torch.profiler.profile) -> Counter[str]:
    """Return the CPU seconds of operations by their kind."""
    spent = Counter()
    for operation in profile.key_averages():
        kind = next((PROFILE[part] for part in PROFILE if part in operation.key.lower()), OTHER)
        spent[kind] += operation.self_cpu_time_total / 1e6
    return spent


def trained_here(epochs: int) -> None:
    run = cell(params.load(), "breastmnist-official", "resnet18_28")[0]
    everything = data.load(run.task)
    official = np.array(everything.official)
    planes = everything.pixels.transpose(0, 3, 1, 2)
    rows = [official == part for part in ("train", "validation")]
    parts = [Part(np.ascontiguousarray(planes[index]), everything.labels[index]) for index in rows]
    network = run.factory(num_classes=2, in_chans=1, img_size=28, **run.model.options)
    recipe = run.recipe.model_copy(update={"epochs": epochs})
    trained(network, parts, networks.Levels((127.5,), (127.5,)), recipe)


def trained_there(checkout: Path, epochs: int, around: Callable[[], AbstractContextManager]) -> None:
    """Run MedMNIST's script with ``around`` entered for each epoch, and its log for TensorBoard left out."""

    class Silent:
        def __init__(self, **_: object) -> None:
            pass

        def add_scalar(self, *_: object) -> None:
            pass

        def close(self) -> None:
            pass

    def each(count: int) -> Iterator[int]:
        for epoch in range(count):
            with around():
                yield epoch

    sys.modules["tensorboardX"] = types.SimpleNamespace(SummaryWriter=Silent)
    sys.path.insert(0, str(checkout / "MedMNIST2D"))
    script = importlib.import_module("train_and_eval_pytorch")
    script.trange = each
    with tempfile.TemporaryDirectory() as folder:
        script.main("breastmnist", folder, epochs, "-1", 128, 28, False, "resnet18", False, False, None, "run")


def main() -> None:
    torch.set_num_threads(1)
    page.put({"bare loop": against_a_bare_loop()})
    if len(sys.argv) > 1:
        checkout = Path(sys.argv[1])
        page.put({"medmnist": against_medmnist(checkout), "medmnist profile": profiles(checkout)})


if __name__ == "__main__":
    main()
