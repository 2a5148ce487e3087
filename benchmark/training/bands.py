"""How far a cell came out otherwise on another processor, file by file, and whether that is within what is allowed.

Rounding differs between processors, and training amplifies it: the weights of a network end elsewhere, about as if
another seed had drawn them. What was measured between processors stands at ``other_processor`` in params.yaml: the
share of images of another class, and McNemar's p. The band of a corruption is McNemar's again, since its images are
classified by the same weights. For the other numbers nothing was measured between processors. Their band is wide and
comes from the spread between runs with other seeds (and, of a pooled split, on other images, which only widens it).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmark import evidence
from benchmark.evidence import checks, differences, metrics
from benchmark.params import EstimatorBand, NetworkBand

# By how many standard deviations of a difference of two runs a number may differ. Five numbers of some sixty cells are
# compared; by a normal distribution one in a million would lie further out.
SPREADS = 5.0
EQUAL = 1e-9  # differences this small are those of printed digits
WITHOUT_TRAINING = {  # file → the columns that no training can change
    "predictions.csv": ["sample_id", "label"],
    "robustness.csv": ["corruption", "strength", "unit"],
    "masks.csv": ["sample_id", "tokens", "lesion_tokens"],
    "history.csv": ["epoch"],
}

Pair = tuple[Path, Path]  # the folder of a run in evidence, and of the same run trained again


@dataclass(frozen=True)
class Part:
    """By how much one part of a cell differs, in words, and whether that is allowed."""

    what: str
    within: bool


def parts(pairs: Sequence[Pair], cells: Sequence[Sequence[Path]], band: NetworkBand | EstimatorBand) -> list[Part]:
    """Return how the parts of a cell's evidence differ.

    ``cells`` are the folders of all runs of each cell of the same kind on the same task, the cell's own first.
    """
    if broken := [Part(reason, False) for one, other in pairs if (reason := _misfit(one, other))]:
        return broken
    return [_classes(pairs, band), *_under_corruption(pairs, band), *_numbers_apart(pairs, cells)]


def _misfit(one: Path, other: Path) -> str | None:
    """Return what of two folders differs that no processor can change, if anything."""
    for name in evidence.DETERMINISTIC:
        if (one / name).exists() != (other / name).exists():
            return f"{one / name}: only one of the two has this file"
    for name, columns in WITHOUT_TRAINING.items():
        if (one / name).exists():
            first, second = (evidence.read_table(folder / name) for folder in (one, other))
            for column in columns:
                if column in first and first[column].tolist() != second.get(column, pd.Series()).tolist():
                    return f"{one / name}: {column} differs, which no processor changes"
    _, labels, probabilities = evidence.read_predictions(one / "predictions.csv")
    if not checks.same_scores(evidence.read_json(one / "metrics.json"), metrics.score(labels, probabilities)):
        return f"{one / 'metrics.json'}: is not what its predictions give"
    if (one / "explanations.json").exists():
        explained = [evidence.read_json(folder / "explanations.json") for folder in (one, other)]
        labels_of = [{name: maps["label"] for name, maps in images.items()} for images in explained]
        if labels_of[0] != labels_of[1]:
            return f"{one / 'explanations.json'}: explains other images, which no processor changes"
    return None


def _classes(pairs: Sequence[Pair], band: NetworkBand | EstimatorBand) -> Part:
    """Return by how much the answers differ: accuracy, by McNemar's test, or of estimators each probability."""
    apart = [differences.between(one, other) for one, other in pairs]
    lost, gained = (sum(getattr(each, name) for each in apart) for name in ("lost", "gained"))
    gap, changed = (
        float(np.mean([getattr(each, name) for each in apart])) for name in ("mean_probability", "changed_labels")
    )
    p = _mcnemar(lost, gained)
    what = (
        f"per image, a probability by {gap:.4f} on average and the class for {100 * changed:.1f} %; {lost} images are "
        f"now wrong, {gained} now right, McNemar's p {p:.2g}"
    )
    if isinstance(band, NetworkBand):
        return Part(what, p >= band.mcnemar)
    return Part(what, gap <= band.mean_probability and changed <= band.changed_labels)


def _under_corruption(pairs: Sequence[Pair], band: NetworkBand | EstimatorBand) -> list[Part]:
    """Return by how much the answers under each corruption differ.

    An image counts once, by the number of strengths at which it is right: its answers at them are not independent.
    """
    tables = [[_right_by_corruption(folder) for folder in pair] for pair in pairs]
    found = []
    for name in tables[0][0]:
        before, after = (np.concatenate([pair[side][name] for pair in tables], 1) for side in (0, 1))
        lost, gained = ((after.sum(0) < before.sum(0)).sum(), (after.sum(0) > before.sum(0)).sum())
        p, changed = _mcnemar(int(lost), int(gained)), float((before != after).mean())
        within = p >= band.mcnemar if isinstance(band, NetworkBand) else changed <= band.changed_labels
        found.append(Part(f"under {name} {lost} images more often wrong, {gained} more often right, p {p:.2g}", within))
    return found


def _right_by_corruption(folder: Path) -> dict[str, np.ndarray]:
    """Return corruption → whether each image is right at each strength (uint8, strengths × N)."""
    table = evidence.read_table(folder / "robustness.csv", "corruption", right=str)
    return {
        str(name): np.stack([np.frombuffer(bits[1:].encode(), np.uint8) for bits in rows["right"]])
        for name, rows in table.groupby("corruption", sort=False)
    }


def _mcnemar(lost: int, gained: int) -> float:
    """Return the p-value of exact McNemar's test of equal accuracy."""
    return float(stats.binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0


def _numbers_apart(pairs: Sequence[Pair], cells: Sequence[Sequence[Path]]) -> list[Part]:
    """Return by how much AUC, log loss, kept share and the best validation differ, beside the spread between runs.

    The spread is that of the cell's own runs or, if larger, the usual one of its kind of models on the task: three runs
    can lie near each other by chance. Without a second run there is none, and the numbers must agree.
    """
    own, *others = [[numbers(folder) for folder in cell] for cell in cells]
    before, after = ([numbers(pair[side]) for pair in pairs] for side in (0, 1))
    found = []
    for name in before[0]:
        spreads = [_variance([run[name] for run in cell if name in run]) for cell in (own, *others)]
        variance = max(spreads[0], float(np.mean([value for value in spreads if value] or [0.0])))
        allowed = max(SPREADS * math.sqrt(2 * variance), EQUAL)
        gaps = np.array([new[name] - old[name] for old, new in zip(before, after, strict=True)])
        within = np.abs(gaps).max() <= allowed and abs(gaps.mean()) <= allowed / math.sqrt(len(gaps))
        found.append(Part(f"{name} by {gaps.mean():+.4f} on average (a run by at most {allowed:.4f})", bool(within)))
    return found


def numbers(folder: Path) -> dict[str, float]:
    """Return the numbers of a run that are compared beside its answers."""
    _, labels, probabilities = evidence.read_predictions(folder / "predictions.csv")
    loss = evidence.read_table(folder / "history.csv", "validation_loss")["validation_loss"]
    values = {
        "AUC": metrics.auc(labels, probabilities),
        "log loss": metrics.log_loss(labels, probabilities),
        "the best validation loss": float(loss.min()),
        "the epoch of the lowest validation loss": float(loss.idxmin() + 1),
    }
    if (folder / "masks.csv").exists():
        masks = evidence.read_table(folder / "masks.csv", "kept", "tokens")
        values["the kept share"] = metrics.mask_scores(masks)["kept_share"]
    return values


def _variance(values: list[float]) -> float:
    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
