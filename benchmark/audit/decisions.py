"""What was decided of a claim, typed: the verdict with everything that its reason, scope, command and numbers need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from benchmark.audit.answers import Answers
from benchmark.audit.claims import Models, Verdict
from benchmark.audit.reported import Averages
from benchmark.audit.verdicts import Evidence, TaskVerdict
from benchmark.cost.records import Costs
from benchmark.statistics import Estimate, Ratio


@dataclass(frozen=True)
class ReadingVerdict:
    """The verdict if another reading replaces a model, beside the chosen reading's on the same sources.

    The model is the proposed one, or a rival in a claim on costs.
    """

    reading: str
    verdict: Verdict
    chosen: Verdict
    sources: list[str]


@dataclass(frozen=True)
class Lacking:
    """The models without evidence on the task of real images that lacks least; no task if there are no real images."""

    task: str | None
    models: tuple[str, ...]


@dataclass(frozen=True)
class SettledDecision:
    """What the paper alone decides."""

    verdict: Verdict
    reason: str | Averages


@dataclass(frozen=True)
class SourcesVerdict:
    """The verdict over several sources: that on the ``mean`` over them, or one in part; without evidence no mean.

    ``counts`` say in how many sources at least the claim, its opposite and no difference are shown, where the mean is
    inconclusive. ``least_p`` is the least p-value over them after Bonferroni, where some source decides by itself but
    none does after that; else None.
    """

    verdict: Verdict
    mean: TaskVerdict[Evidence] | None
    counts: tuple[int, int, int] = (0, 0, 0)
    least_p: float | None = None


@dataclass(frozen=True)
class QualityDecision:
    """What scores say: on every task, over the tasks that count (one per source), and by other splits of the sources.

    ``sources`` is None for a claim that is described, not tested. ``lacking`` is given where there is no evidence.
    ``heterogeneity`` maps each pair to I², the share of the spread of its gaps over the sources that is not chance.
    """

    tasks: tuple[TaskVerdict[Answers], ...]
    counting: tuple[TaskVerdict[Answers], ...]
    not_counting: tuple[TaskVerdict[Answers], ...]
    sources: SourcesVerdict | None
    lacking: Lacking | None
    heterogeneity: dict[Models, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict; None for a claim that is described."""
        return self.sources.verdict if self.sources else None

    @property
    def deciding(self) -> tuple[TaskVerdict[Answers], ...]:
        """The tasks that the verdict rests on."""
        return () if self.verdict == "no evidence" else self.counting


@dataclass(frozen=True)
class CostVerdict:
    """What costs measured under one condition say of a claim, from the ratio of each pair that was measured."""

    answers: Answers
    costs: Costs
    ratios: dict[Models, Ratio]
    verdict: Verdict

    @property
    def decides(self) -> bool:
        """Whether it counts: measured on a task of real images, on all pairs or with the opposite shown."""
        return not self.answers.synthetic and self.verdict != "no evidence"


@dataclass(frozen=True)
class CostDecision:
    """What measured costs say, under every condition; ``lacking`` is given where none decides.

    ``by_conditions`` is the verdict of the chosen readings, ``flipped_by`` the other readings that get another one.
    """

    by_conditions: Verdict
    conditions: tuple[CostVerdict, ...]
    lacking: Lacking | None
    flipped_by: tuple[ReadingVerdict, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict; what a reading turns depends on the reading, what it shows in part alone is shown in part."""
        in_part = [flip.verdict for flip in self.flipped_by if flip.verdict != _whole(flip.verdict)]
        if any(_whole(flip.verdict) != _whole(flip.chosen) for flip in self.flipped_by):
            return "depends on the reading"
        return in_part[0] if in_part else self.by_conditions

    @property
    def deciding(self) -> tuple[CostVerdict, ...]:
        """The conditions that the verdict rests on."""
        return tuple(condition for condition in self.conditions if condition.decides)


@dataclass(frozen=True)
class MeasuredScore:
    """The mean score of one model on a task."""

    answers: Answers
    score: Estimate


@dataclass(frozen=True)
class MeasuredCost:
    """What one model costs under one condition of a task."""

    answers: Answers
    cost: float
    costs: Costs


@dataclass(frozen=True)
class ValueDecision:
    """Measured values, given beside a printed number that they cannot be compared with."""

    values: tuple[MeasuredScore | MeasuredCost, ...]
    verdict: Verdict = "not comparable"


@dataclass(frozen=True)
class CalibrationDecision:
    """Whether a published number on known images came out again.

    ``means`` are the means of our runs; ``gap`` is by how much they exceed the ``published`` mean. ``title`` names the
    images, None if the task has no evidence.
    """

    verdict: Verdict
    task: str
    title: str | None
    published: float | None
    means: tuple[float, ...] = ()
    gap: Estimate | None = None
    margin: float = 0.0

    @property
    def mean(self) -> float:
        """The mean of our runs."""
        return fmean(self.means)


Decision = SettledDecision | QualityDecision | CostDecision | ValueDecision | CalibrationDecision


def part_verdict(shown: int, opposite: int, no_difference: int = 0) -> Verdict:
    """Return the verdict where a claim, its opposite or no difference is shown in some sources or conditions alone."""
    if shown and opposite:
        return "mixed"
    if shown or opposite:
        return "supported in part" if shown else "contradicted in part"
    return "no difference in part" if no_difference else "inconclusive"


def _whole(verdict: Verdict) -> str:
    return verdict.removesuffix(" in part")


def find_lacking(models: Sequence[str], tasks: Sequence[Answers], lacks: Callable[[Answers, str], bool]) -> Lacking:
    """Return the task of real images that lacks the fewest of ``models``, and which; pooled splits come first."""
    real = [task for task in tasks if not task.synthetic]
    candidates = [task for task in real if task.test_to_train] or real
    if not candidates:
        return Lacking(None, tuple(models))
    missing = {task.task: tuple(model for model in models if lacks(task, model)) for task in candidates}
    least = min(missing, key=lambda name: len(missing[name]))
    return Lacking(least, missing[least])
