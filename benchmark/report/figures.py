"""The papers' figures of a task, and a few beyond them, from its evidence.

A model has the same colour, marker and line everywhere; the colours are seaborn's for colour-blind people, and what a
colour says a marker, a line or a label says too, so that a figure can be read in grey.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from scipy.stats import binomtest

from benchmark import evidence
from benchmark.audit.claims import number_of
from benchmark.audit.papers import Paper, Table
from benchmark.data import Images
from benchmark.data.resize import resize
from benchmark.params import CORRUPTIONS, SIZES, Params
from benchmark.report.tables import Found, on_front

MARKERS, DASHES = "osD^vPX<>*hpd8H", ("-", "--", "-.")
UNITS = {
    "gaussian_noise": "noise, sd (grey levels)",
    "gaussian_blur": "blur, sigma (pixels)",
    "contrast": "contrast (factor)",
    "jpeg": "JPEG quality",
}
BINS = 10  # of confidence
SHOWN = 8  # images, at most
LADDER = (4, 11)  # points: the markers of a smaller and a larger network
CLEAR = 0.1  # of balanced accuracy, above chance
KINDS = {"svg": "Date", "png": "Software"}  # what files are written, and what of their metadata would differ
STYLE = {
    "svg.hashsalt": "retable",  # the same figure, the same bytes
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in a paper or in a class's name is a $
    "figure.dpi": 100,
    "savefig.dpi": 110,
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How a model is drawn."""

    color: tuple[float, float, float]
    marker: str
    dash: str


@dataclass(frozen=True)
class Known:
    """What the figures of a task are made from; ``images`` is None where its data is not at hand."""

    params: Params
    papers: list[Paper]
    found: Found
    images: Images | None

    @property
    def task(self) -> str:
        """The task's name."""
        return self.found.task

    @property
    def rows(self) -> list[str]:
        """The models of the papers' tables that have evidence, in the order of params.yaml."""
        return [
            model for model in self.params.models if model in self.found.answers.rows and model in self.found.scores
        ]

    def runs(self, model: str) -> list[int]:
        """Return the numbers of a model's runs."""
        return evidence.runs_of(self.task, model)

    def table(self, model: str, name: str) -> pd.DataFrame:
        """Return a file of all runs of a model, with a column ``run``."""
        tables = [
            pd.read_csv(evidence.run_folder(self.task, model, run) / f"{name}.csv").assign(run=run)
            for run in self.runs(model)
        ]
        return pd.concat(tables, ignore_index=True)

    def look(self, model: str) -> Look:
        """Return how a model is drawn, on every task alike: other sizes of a row as the row itself."""
        names = [name for name in self.params.models if name in self.found.answers.rows]
        row = model if model in names else self.params.models[model].of
        index = names.index(row) if row in names else len(names)
        color = sns.color_palette("colorblind")[index % 10]
        if index >= 10:
            return Look(tuple(0.55 * part for part in color), MARKERS[index % len(MARKERS)], ":")
        return Look(color, MARKERS[index], DASHES[index // 4])

    @property
    def title(self) -> str:
        """What stands above each figure: the task, and whether its images are synthetic."""
        return f"{self.task}, synthetic images" if self.params.task(self.task).synthetic else self.task


def draw(known: Known) -> dict[str, Figure]:
    """Return name → figure, of all figures that the evidence allows."""
    sns.set_theme("paper", "whitegrid", rc=STYLE)
    proposed = [paper.proposed for paper in known.papers if paper.proposed in known.found.scores]
    found: dict[str, Figure | None] = {}
    for model in proposed:
        found[f"curves_{model}"] = curves(known, model)
        found[f"confusion_{model}"] = confusion(known, model)
        found[f"learning_{model}"] = learning(known, model)
        found[f"explanations_{model}"] = explanations(known, model)
    for paper in known.papers:
        for name, table in paper.tables.items():
            found[f"accuracy_{name}"] = accuracy(known, paper, table)
    found["robustness"] = robustness(known)
    found["cost"] = against_cost(known)
    found["reliability"] = reliability(known)
    return {name: figure for name, figure in found.items() if figure}


def curves(known: Known, model: str) -> Figure:
    """Draw accuracy and loss on training and validation images over epochs (adaptive, Figure 6)."""
    history, look = known.table(model, "history"), known.look(model)
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.8))
    for axis, measure, label in zip(axes, ("accuracy", "loss"), ("accuracy (%)", "cross-entropy (nats)"), strict=True):
        scale = 100 if measure == "accuracy" else 1
        for part, dash in (("train", "--"), ("validation", "-")):
            for _, run in history.groupby("run"):
                axis.plot(run["epoch"], scale * run[f"{part}_{measure}"], dash, color=look.color, alpha=0.25, lw=0.8)
            mean = history.groupby("epoch")[f"{part}_{measure}"].mean()
            axis.plot(mean.index, scale * mean, dash, color=look.color, lw=2, label=f"{part}, mean over runs")
        axis.set(xlabel="epoch", ylabel=label)
    axes[1].legend()
    figure.suptitle(f"{model} on {known.title}: training and validation")
    return figure


def confusion(known: Known, model: str) -> Figure:
    """Draw the confusion matrix over all runs, in per cent of each true class (adaptive, Figure 7)."""
    classes = known.found.manifest["classes"]
    counts = np.zeros((len(classes), len(classes)), int)
    for run in known.runs(model):
        path = evidence.run_folder(known.task, model, run) / "predictions.csv"
        _, labels, probabilities = evidence.read_predictions(path)
        np.add.at(counts, (labels, probabilities.argmax(1)), 1)
    shares = 100 * counts / counts.sum(1, keepdims=True)
    texts = np.array([f"{share:.0f} %\n{count}" for share, count in zip(shares.flat, counts.flat, strict=True)])
    side = 1.6 + 0.9 * len(classes)
    figure, axis = plt.subplots(figsize=(side + 0.8, side))
    sns.heatmap(
        shares, vmin=0, vmax=100, cmap="Greys", annot=texts.reshape(counts.shape), fmt="", square=True, ax=axis,
        xticklabels=classes, yticklabels=classes, cbar_kws={"label": "of the true class (%)"},
    )  # fmt: skip
    axis.set(xlabel="predicted", ylabel="true", title=f"{model} on {known.title}\n{len(known.runs(model))} runs")
    return figure


def learning(known: Known, model: str) -> Figure | None:
    """Draw accuracy over the number of training images (adaptive, Figure 9); None with fewer than two sizes."""
    names = [name for name, of in known.params.models.items() if of.train_parts and (of.of or name) == model]
    names = [name for name in [*names, model] if name in known.found.scores]
    if len(names) < 2:
        return None
    rows = []
    for name in names:
        made = [
            evidence.read_json(evidence.run_folder(known.task, name, run) / "provenance.json")
            for run in known.runs(name)
        ]
        last = known.table(name, "history").groupby("run").tail(1)
        estimate = known.found.answers.mean(name, "accuracy")
        images = np.mean([of["images"]["train"] for of in made])
        parts = [last[f"{part}_accuracy"].mean() for part in ("train", "validation")]
        rows.append((images, *parts, *estimate.of_share()))
    size, train, validation, test, low, high = 100 * np.array(sorted(rows)).T
    figure, axis = plt.subplots(figsize=(5, 3.2))
    look = known.look(model)
    axis.plot(size / 100, train, "--", marker="s", color=look.color, alpha=0.7, label="training, last epoch, augmented")
    axis.plot(size / 100, validation, ":", marker="^", color=look.color, alpha=0.7, label="validation, last epoch")
    axis.errorbar(
        size / 100, test, [test - low, high - test], marker="o", color=look.color, capsize=3,
        label="test, best epoch [95 % interval]",
    )  # fmt: skip
    axis.set(xlabel="training images", ylabel="accuracy (%)", ylim=(0, 102), title=f"{model} on {known.title}")
    axis.set_xticks(size / 100)
    axis.legend(loc="lower right")
    return figure


def accuracy(known: Known, paper: Paper, table: Table) -> Figure | None:
    """Draw the measured accuracy of a table's rows with its interval, beside what the paper prints (Figure 8)."""
    columns = [of if of.measure == "accuracy" and of.task in (None, known.task) else None for of in table.columns]
    index = next((index for index, column in enumerate(columns) if column), None)
    if index is None:
        return None
    names = list(table.rows)
    figure, axis = plt.subplots(figsize=(6.5, 0.9 + 0.42 * len(names)))
    for place, name in enumerate(names):
        model, value = paper.systems[name], number_of(table, name, index, columns[index])
        if value is not None:
            axis.plot(
                100 * value,
                place,
                marker="|",
                color="black",
                markersize=14,
                mew=2,
                ls="none",
                label="printed in the paper",
            )
        estimate = known.found.answers.mean(model, "accuracy")
        if estimate is None:
            axis.annotate("no evidence", (2, place), va="center", style="italic")
            continue
        value, low, high = np.nan_to_num(estimate.of_share(), nan=estimate.value)
        axis.barh(place, 100 * value, color=known.look(model).color, alpha=0.6)
        error = [[100 * (value - low)], [100 * (high - value)]]
        axis.errorbar(
            100 * value, place, xerr=error, color="black", capsize=3, lw=1, ls="none", label="measured [95 % interval]"
        )
    axis.set(xlim=(0, 105), ylim=(-0.6, len(names) - 0.4), xlabel="accuracy (%)")
    figure.suptitle(f"{paper.cite}, {table.title}\non {known.title}")
    axis.set_yticks(range(len(names)), [f"{name} ({paper.systems[name]})" for name in names])
    axis.invert_yaxis()
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    return figure


def robustness(known: Known) -> Figure | None:
    """Draw accuracy under corruption over its strength, and how much of the balanced accuracy beyond chance is kept."""
    if not known.rows:
        return None
    chance = 1 / len(known.found.manifest["classes"])
    figure, axes = plt.subplots(2, len(CORRUPTIONS), figsize=(11, 5.6), sharey="row")
    for model in known.rows:
        table, look = known.table(model, "robustness"), known.look(model)
        clean = np.mean([of_run["balanced_accuracy"] for of_run in known.found.scores[model]])
        for (above, below), kind in zip(axes.T, CORRUPTIONS, strict=True):
            mean = table[table["corruption"] == kind].groupby("strength")[["accuracy", "balanced_accuracy"]].mean()
            style = {"color": look.color, "marker": look.marker, "ls": look.dash, "ms": 4, "lw": 1.2, "label": model}
            above.plot(mean.index, 100 * mean["accuracy"], **style)
            if clean > chance + CLEAR:  # what a model near chance keeps is a ratio of noises
                below.plot(mean.index, (mean["balanced_accuracy"] - chance) / (clean - chance), **style)
    for (above, below), kind in zip(axes.T, CORRUPTIONS, strict=True):
        for axis in (above, below):
            axis.set_xscale("log")
            strengths = known.params.robustness[kind]
            axis.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
            axis.minorticks_off()
            if kind in ("contrast", "jpeg"):
                axis.invert_xaxis()  # to the right, images get worse
        below.axhline(0, color="black", lw=0.8, ls=":")
        below.set_xlabel(UNITS[kind])
        below.set_ylim(bottom=-0.3)
    axes[0, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_ylabel("balanced accuracy\nkept beyond chance (share)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    figure.suptitle(f"Robustness on {known.title}")
    return figure


def against_cost(known: Known) -> Figure | None:
    """Draw accuracy against latency and against MACs, with the Pareto front."""
    ladder = {
        model: size
        for stage in SIZES
        for model, size in zip(getattr(known.params.stages, stage).model, LADDER, strict=False)
    }
    models = [*known.rows, *(model for model in ladder if model in known.found.scores)]
    means = {model: 100 * known.found.answers.mean(model, "accuracy").value for model in models}
    if not known.found.answers.costs:
        return None
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True)
    for axis, measure, scale, label in (
        (axes[0], "latency_ms", 1, "latency of one image (ms)"),
        (axes[1], "macs", 1e-6, "multiply-accumulates of one image (millions)"),
    ):
        points = {model: (mean, known.found.cost(model).get(measure)) for model, mean in means.items()}
        points = {model: (mean, scale * cost) for model, (mean, cost) in points.items() if cost is not None}
        for model, (mean, cost) in points.items():
            look, size = known.look(model), ladder.get(model, 7)
            axis.plot(cost, mean, look.marker, color=look.color, ms=size, mec="black", mew=0.5, ls="none", label=model)
        axis.set(xscale="log", xlabel=label)
        if not points:  # estimators have no multiply-accumulates
            continue
        (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
        steps = sorted((cost, mean) for model, (mean, cost) in points.items() if model in on_front(points))
        steps = [(steps[0][0], low), *steps, (right, steps[-1][1])]  # a front of one point is a corner
        axis.step(*zip(*steps, strict=True), where="post", color="black", lw=0.8, ls="--", zorder=0)
        axis.set(xlim=(left, right), ylim=(low, high))
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel("accuracy (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    condition = known.found.answers.costs[0].condition
    figure.suptitle(f"Accuracy against cost on {known.title}; dashed: Pareto front\n{condition}")
    return figure


def reliability(known: Known) -> Figure | None:
    """Draw accuracy over confidence, in bins with Wilson's 95 % interval; a calibrated model lies on the diagonal."""
    if not known.rows:
        return None
    columns = min(4, len(known.rows))
    lines = -(-len(known.rows) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(2.4 * columns, 2.4 * lines), sharex=True, sharey=True, squeeze=False
    )
    for axis, model in zip(axes.flat, known.rows, strict=False):
        confidence, right = _confidence(known, model)
        bins = np.minimum((BINS * confidence).astype(int), BINS - 1)
        table = pd.DataFrame({"confidence": confidence, "right": right}).groupby(bins)
        at, hits, images = table["confidence"].mean(), table["right"].sum(), table.size()
        wilson = [binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, images, strict=True)]
        look, share = known.look(model), hits / images
        axis.plot([0, 1], [0, 1], color="black", lw=0.8, ls=":")
        axis.vlines(at, [of.low for of in wilson], [of.high for of in wilson], color="black", lw=0.8)
        axis.plot(at, share, color=look.color, ls=look.dash)
        weight = 20 + 180 * images / len(bins)
        axis.scatter(at, share, weight, [look.color], marker=look.marker, ec="black", lw=0.5, zorder=3, clip_on=False)
        axis.set(title=model, xlim=(0, 1.02), ylim=(-0.02, 1.04), xticks=(0, 0.5, 1))
    for axis in axes.flat[len(known.rows) :]:
        axis.remove()
    for axis in axes.flat[len(known.rows) - columns : len(known.rows)]:  # the lowest of its column
        axis.tick_params(labelbottom=True)
    figure.supxlabel("confidence: probability of the predicted class")
    figure.supylabel("accuracy (share)")
    figure.suptitle(f"Reliability on {known.title}; size of a marker: share of the test images; lines: 95 % intervals")
    return figure


def _confidence(known: Known, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Return, over all runs, the probability of the predicted class and whether it is right (each N)."""
    confidence, right = [], []
    for run in known.runs(model):
        path = evidence.run_folder(known.task, model, run) / "predictions.csv"
        _, labels, probabilities = evidence.read_predictions(path)
        confidence.append(probabilities.max(1))
        right.append(probabilities.argmax(1) == labels)
    return np.concatenate(confidence), np.concatenate(right)


def explanations(known: Known, model: str) -> Figure | None:
    """Draw Grad-CAM, feature map and mask over test images of run 0 (adaptive, Figure 4; EMANet's mask)."""
    path = evidence.run_folder(known.task, model, known.runs(model)[0]) / "explanations.json"
    if known.images is None or not path.exists():
        return None
    found = evidence.read_json(path)
    chosen = _of_each_class({name: of["label"] for name, of in found.items() if "grad_cam" in of})
    if not chosen:
        return None
    rows = {"grad_cam": "Grad-CAM", "feature_map": "feature map", "mask": "tokens kept"}
    rows = {key: label for key, label in rows.items() if key in found[chosen[0]]}
    place = {name: index for index, name in enumerate(known.images.ids)}
    size = known.params.task(known.task).input_size
    classes = known.found.manifest["classes"]
    figure, axes = plt.subplots(
        len(rows) + 1, len(chosen), figsize=(1.6 * len(chosen) + 0.4, 1.6 * (len(rows) + 1) + 0.8)
    )
    for column, name in zip(axes.T, chosen, strict=True):
        of, index = found[name], place[name]
        picture = resize(known.images.pixels[index][None], size)[0]
        for axis, key in zip(column, ["image", *rows], strict=True):
            shown = _laid_over(picture, np.array(of[key])) if key in ("grad_cam", "feature_map") else picture
            axis.imshow(shown.squeeze(), cmap="gray", vmin=0, vmax=255, extent=(0, size, size, 0), interpolation="none")
            axis.set(xticks=[], yticks=[])
            if known.images.masks is not None and known.images.masks[index].any():
                lesion = resize(known.images.masks[index][None].astype(np.uint8) * 255, size)[0, ..., 0]
                axis.contour(np.arange(size) + 0.5, np.arange(size) + 0.5, lesion, [127], colors="white", linewidths=1)
        verdict = "right" if of["label"] == of["predicted"] else f"taken for {classes[of['predicted']]}"
        column[0].set_title(f"{classes[of['label']]}\n{verdict}", fontsize=8)
        if "mask" in rows:
            _hatch(column[-1], np.array(of["mask"]), size)
    for axis, label in zip(axes[:, 0], ["image", *rows.values()], strict=True):
        axis.set_ylabel(label)
    white = "; white: the true lesion" if known.images.masks is not None else ""
    figure.suptitle(f"{model} on {known.title}, run {known.runs(model)[0]}; yellow: the largest value of a map{white}")
    return figure


def _of_each_class(labels: dict[str, int]) -> list[str]:
    """Return at most ``SHOWN`` of the images in ``labels`` (image → class), of each class as many as of the others."""
    nth = {name: list(labels.values())[:index].count(label) for index, (name, label) in enumerate(labels.items())}
    chosen = sorted(labels, key=nth.get)[:SHOWN]
    return [name for name in labels if name in chosen]


def _laid_over(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Lay a map (0 to 1, h × w) over an image (uint8, H × W × C), brighter for more: RGB, uint8, H × W × 3."""
    heat = resize((255 * values).round().astype(np.uint8)[None], len(picture))[0, ..., 0]
    return (0.55 * 255 * plt.get_cmap("viridis")(heat)[..., :3] + 0.45 * picture).round().astype(np.uint8)


def _hatch(axis: Axes, mask: np.ndarray, size: int) -> None:
    """Darken and hatch what a mask drops."""
    side = size / len(mask)
    for row, column in zip(*np.nonzero(mask == 0), strict=True):
        corner = (column * side, row * side)
        axis.add_patch(plt.Rectangle(corner, side, side, fc=(0, 0, 0, 0.65), ec=(1, 1, 1, 0.25), hatch="///", lw=0))


def of_audit(records: Sequence[dict[str, Any]]) -> Figure:
    """Draw the gaps in accuracy that the papers claim between rows beside the measured ones (a forest plot).

    Gaps stand for the claims that a paper is tested on; each task with real images has a colour and marker of its own,
    hollow where another split of the same images counts.
    """
    found: dict[str, tuple[float, dict[str, dict[str, Any]]]] = {}
    for record in records:
        for task in record["numbers"].get("tasks", []) if record["family"] and "gap" in record["claimed"] else []:
            for pair in [] if task["synthetic"] else task["pairs"]:
                table = record["claim"].rsplit("/", 2)[0]
                label = f"{' − '.join(pair['pair'])}: {record['verdict']}\n({table})"
                of_claim = found.setdefault(label, (record["claimed"]["gap"], {}))[1]
                of_claim[task["task"]] = pair | {"counted": task["counted"]}
    sns.set_theme("paper", "whitegrid", rc=STYLE)
    if not found:
        figure = plt.figure(figsize=(8, 1))
        figure.text(0.5, 0.5, "No gap that a paper claims was measured on real images yet.", ha="center", va="center")
        return figure
    tasks = sorted({task for _, measured in found.values() for task in measured})
    looks = dict(zip(tasks, zip(cycle(sns.color_palette("colorblind")), cycle(MARKERS), strict=False), strict=False))
    step = 0.6 / len(tasks)
    figure, axis = plt.subplots(figsize=(8, 1.3 + (0.24 + 0.13 * len(tasks)) * len(found)))
    for place, (claimed, measured) in enumerate(found.values()):
        for task, pair in measured.items():
            color, marker = looks[task]
            gap, low, high = (100 * pair[name] for name in ("gap", "low", "high"))
            height = place + step * (tasks.index(task) - (len(tasks) - 1) / 2)
            error = [[gap - low], [high - gap]]
            label = f"measured on {task} [95 %]{'' if pair['counted'] else ', not counted'}"
            face = color if pair["counted"] else "white"
            axis.errorbar(gap, height, xerr=error, marker=marker, color=color, mfc=face, capsize=3, label=label)
        axis.plot(100 * claimed, place, marker="|", color="black", ms=14, mew=2, ls="none", label="claimed")
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(range(len(found)), list(found), fontsize=8)
    axis.set(xlabel="difference in accuracy (points)", title="Gaps in accuracy, claimed and measured on real images")
    axis.set_ylim(len(found) - 0.4, -0.6)
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    return figure


def save(figures: Mapping[str, Figure], finished: Path, folder: Path) -> None:
    """Write figures as ``svg/NAME.svg`` and ``png/NAME.png`` in place of ``folder``, by way of ``finished``, and close.

    The same figure gives the same bytes.
    """
    shutil.rmtree(finished, ignore_errors=True)
    for kind, unknown in KINDS.items():
        (finished / kind).mkdir(parents=True)
        for name, figure in figures.items():
            figure.savefig(finished / kind / f"{name}.{kind}", metadata={unknown: None})
    for figure in figures.values():
        plt.close(figure)
    evidence.swap(finished, folder)
