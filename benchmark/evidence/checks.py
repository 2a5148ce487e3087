"""What must hold of evidence without any training, and the checks that the files of a run allow by themselves."""

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.errors import BadInput
from benchmark.evidence import metrics

LENGTH = 120  # characters of a line that a failure shows
ROUNDING = 1e-8  # of numbers with nine digits
LAST_BITS = 1e-12
SAME = 1e-4  # probabilities of two runs that are nowhere further apart are one run's


@dataclass
class Check:
    """Something that must hold of evidence: ``about`` names it, ``count`` says of how many things it was asked.

    Each failure is one line: the file, what it is, what it must be. ``skipped`` says what was not checked, and why.
    """

    about: str
    count: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def expect(self, holds: bool, failure: str) -> None:
        """Count one thing; note the failure if it does not hold."""
        self.count += 1
        if not holds:
            self.failures.append(failure)

    @contextmanager
    def reading(self, where: Path | str) -> Iterator[None]:
        """Count what cannot be read ``where`` something is checked as a failure."""
        try:
            yield
        except BadInput as error:
            self.expect(False, str(error))
        except (AttributeError, LookupError, TypeError, ValueError) as error:  # JSON or CSV of another shape
            self.expect(False, f"{where}: cannot be read ({type(error).__name__}: {error}); it must be whole")

    def expect_file(self, path: Path, content: str | bytes) -> None:
        """Expect that a file has a content, byte for byte; a failure shows the first line that differs."""
        wanted = content.encode() if isinstance(content, str) else content
        actual = path.read_bytes() if path.exists() else None
        if actual is None:
            self.expect(False, f"{path}: missing; it must be there")
        else:
            self.expect(actual == wanted, f"{path}: {_first_difference(actual, wanted)}")

    def expect_no_others(self, paths: Iterable[Path], wanted: Iterable[Path]) -> None:
        """Expect that there are no files but the wanted ones."""
        for path in sorted(set(paths) - set(wanted)):
            if path.name != ".gitkeep":
                self.expect(False, f"{path}: no command makes it; it must not be there")


def merged(checks: Iterable[Check]) -> list[Check]:
    """Return the checks with those of the same name put together, in the order in which they come first."""
    by_name: dict[str, Check] = {}
    for check in checks:
        whole = by_name.setdefault(check.about, Check(check.about))
        whole.count += check.count
        whole.failures += check.failures
        whole.skipped += check.skipped
    return list(by_name.values())


def _first_difference(actual: bytes, wanted: bytes) -> str:
    if actual.replace(b"\r\n", b"\n") == wanted:
        return "its lines end with CR LF; they must end with LF"
    lines = [text.decode(errors="replace").split("\n") for text in (actual, wanted)]
    number = next((i for i, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1]), min(map(len, lines)))
    shown = [_part(*pair) for pair in (_line(lines, number), reversed(_line(lines, number)))]
    return f"line {number + 1} is {shown[0]!r}; it must be {shown[1]!r}"


def _line(lines: list[list[str]], number: int) -> list[str]:
    return [text[number] if number < len(text) else "" for text in lines]


def _part(line: str, other: str) -> str:
    """Return what of a line surrounds its first difference to another."""
    start = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    first = max(0, start - LENGTH // 3)
    return line[first : first + LENGTH]


def metrics_follow(check: Check, folder: Path, sealed: bool) -> None:
    """Compute ``metrics.json`` again from ``predictions.csv``; of a ``sealed`` task a failure shows no score."""
    path = folder / "metrics.json"
    with check.reading(path):
        _, labels, probabilities = evidence.read_predictions(folder / "predictions.csv")
        written, computed = evidence.read_json(path), metrics.score(labels, probabilities)
        wrong = [name for name in computed.keys() & written.keys() if not same_score(written[name], computed[name])]
        if written.keys() != computed.keys() or (wrong and sealed):
            check.expect(False, f"{path}: is not what predictions.csv gives; it must be")
        elif wrong:
            was, now = (numbers[min(wrong)] for numbers in (written, computed))
            check.expect(False, f"{path}: {min(wrong)} is {was}; it must be {now}, which predictions.csv gives")
        else:
            check.expect_file(path, evidence.json_text(written))


def same_scores(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two ``metrics.json`` say the same, but for the last bits, which processors round otherwise."""
    return one.keys() == other.keys() and all(same_score(one[name], other[name]) for name in one)


def same_score(one: object, other: object) -> bool:
    """Whether two scores are the same, but for the last bits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=LAST_BITS, abs_tol=LAST_BITS)
    return one == other


def predictions_fit(check: Check, folder: Path, ids: list[str], labels: np.ndarray) -> None:
    """Expect predictions for these images with these labels, in this order, and that they are probabilities."""
    path = folder / "predictions.csv"
    with check.reading(path):
        own_ids, own_labels, probabilities = evidence.read_predictions(path)
        if own_ids != ids:
            other = next((i for i, pair in enumerate(zip(own_ids, ids, strict=False)) if pair[0] != pair[1]), None)
            where = f"row {other + 1}" if other is not None else f"{len(own_ids)} rows"
            check.expect(False, f"{path}: {where}; its images must be the {len(ids)} test images of the split")
        elif (own_labels != labels).any():
            row = int((own_labels != labels).argmax())
            check.expect(False, f"{path}: label of {ids[row]} is {own_labels[row]}; it must be {labels[row]}")
        else:
            sums = np.isfinite(probabilities).all() and np.abs(probabilities.sum(1) - 1).max() <= 1e-6
            check.expect(
                bool(sums and probabilities.min() >= 0), f"{path}: a row is no probabilities; it must sum to 1"
            )


def robustness_fits(check: Check, folder: Path, strengths: dict[str, tuple[str, tuple[float, ...]]]) -> None:
    """Expect a row for each corruption and strength whose accuracies follow from ``right``, image by image.

    ``strengths`` maps a corruption to its unit and its strengths.
    """
    path = folder / "robustness.csv"
    with check.reading(path):
        _, labels, _ = evidence.read_predictions(folder / "predictions.csv")
        table = evidence.read_table(path, "accuracy", "balanced_accuracy", right=str)
        wanted = [(name, level, unit) for name, (unit, levels) in strengths.items() for level in levels]
        if [*zip(*(table.get(key, []) for key in ("corruption", "strength", "unit")), strict=False)] != wanted:
            check.expect(False, f"{path}: its rows must be the {len(wanted)} corruptions and strengths of this code")
            return
        for row in table.to_dict("records"):
            check.expect(*_row_of_robustness(path, row, labels))


def _row_of_robustness(path: Path, row: dict[str, Any], labels: np.ndarray) -> tuple[bool, str]:
    """Return whether the accuracies of a row are those of its ``right``, and what to say if not."""
    bits, where = str(row["right"])[1:], f"{path}: {row['corruption']} {row['strength']:g}"
    if len(bits) != len(labels) or set(bits) - {"0", "1"}:
        return False, f"{where}: right has {len(bits)} images; it must have {len(labels)}, 0 or 1 each"
    right = np.frombuffer(bits.encode(), np.uint8) - ord("0")
    balanced = np.mean([right[labels == label].mean() for label in np.unique(labels)])
    for name, value in (("accuracy", right.mean()), ("balanced_accuracy", balanced)):
        if not abs(row[name] - value) <= ROUNDING:
            return False, f"{where}: {name} is not that of its images (right); it must be"
    return True, ""


def history_fits(check: Check, folder: Path, epochs: int) -> None:
    """Expect one row per epoch, from 1 to ``epochs``."""
    path = folder / "history.csv"
    with check.reading(path):
        numbers = evidence.read_table(path, "epoch")["epoch"].tolist()
        right = numbers == [*range(1, epochs + 1)]
        check.expect(right, f"{path}: has {len(numbers)} epochs; it must have one row for each of 1 to {epochs}")


def images_are_of_the_test_split(check: Check, folder: Path, ids: list[str], labels: np.ndarray) -> None:
    """Expect that masks are of all test images in order, and explanations of some of them, with label and answer."""
    masks, explanations = folder / "masks.csv", folder / "explanations.json"
    if masks.exists():
        with check.reading(masks):
            own = evidence.read_table(masks, sample_id=str)["sample_id"]
            check.expect(own.tolist() == ids, f"{masks}: must list the test images")
    if explanations.exists():
        with check.reading(explanations):
            _, _, probabilities = evidence.read_predictions(folder / "predictions.csv")
            answers = dict(zip(ids, zip(labels.tolist(), probabilities.argmax(1).tolist(), strict=False), strict=False))
            for name, maps in evidence.read_json(explanations).items():
                same = (maps.get("label"), maps.get("predicted")) == answers.get(name)
                check.expect(same, f"{explanations}: {name}: must be a test image with its label and prediction")


def no_run_is_anothers(check: Check, folders: list[Path]) -> None:
    """Expect that no two runs of a task on the same images have the same probabilities, almost everywhere."""
    groups: dict[str, list[tuple[Path, np.ndarray]]] = {}
    for folder in folders:
        with check.reading(folder):
            ids, _, probabilities = evidence.read_predictions(folder / "predictions.csv")
            groups.setdefault(json.dumps(ids), []).append((folder, probabilities))
    for group in groups.values():
        for index, (folder, probabilities) in enumerate(group):
            others = [(other, p) for other, p in group[:index] if not _may_agree(other, folder)]
            twin = next((other for other, p in others if _gap(p, probabilities) < SAME), None)
            check.expect(twin is None, f"{folder}: its predictions are those of {twin}; each run must have its own")


def _may_agree(one: Path, other: Path) -> bool:
    """Return whether two runs may agree: those of one estimator, which need not draw anything at random."""
    return one.parent == other.parent and not (one / "explanations.json").exists()


def _gap(p: np.ndarray, q: np.ndarray) -> float:
    return float(np.abs(p - q).max()) if p.shape == q.shape else math.inf
