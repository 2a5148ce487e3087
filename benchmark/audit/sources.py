"""Sources of real images taken together: each gap is the mean over them, with equal weight.

Each source counts once, by the task that splits it as the papers do where that has evidence on a pair, else by another.
Synthetic images never count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmark.audit.answers import Answers, Gap
from benchmark.audit.papers import Measure
from benchmark.statistics import heterogeneity, mean_over


@dataclass(frozen=True)
class Sources:
    """The answers of all ``tasks`` as one: what :func:`benchmark.audit.verdicts.task_verdicts` judges."""

    tasks: Sequence[Answers]
    task: str = field(default="the mean over the sources", init=False)

    def by_source(self, first: str, second: str, measure: Measure) -> list[tuple[Answers, Gap]]:
        """Return, for each source with two runs of both models, the task that counts and the gap there."""
        counting: dict[str, tuple[Answers, Gap]] = {}
        for task in sorted(self.tasks, key=lambda task: not task.test_to_train):
            if not task.synthetic and task.source not in counting:
                gap = task.gap(first, second, measure)
                if gap and gap.runs > 1:
                    counting[task.source] = (task, gap)
        return list(counting.values())

    def gap(self, first: str, second: str, measure: Measure) -> Gap | None:
        """Return by how much one model exceeds another on the mean over sources; None if no source has both."""
        gaps = [gap for _, gap in self.by_source(first, second, measure)]
        if not gaps:
            return None
        return Gap(
            first,
            second,
            mean_over([gap.estimate for gap in gaps]),
            mean_over([gap.resampled for gap in gaps]),
            sum(gap.runs for gap in gaps),
            sum(gap.images for gap in gaps),
        )

    def runs(self, *models: str, measure: Measure = "accuracy") -> list[int]:
        """Return the runs of the real task that has most of them, in which all ``models`` have a measure."""
        real = [task.runs(*models, measure=measure) for task in self.tasks if not task.synthetic]
        return max(real, key=len, default=[])

    def heterogeneity(self, first: str, second: str, measure: Measure) -> float:
        """Return I² of a gap over the sources, from 0 to 1."""
        return heterogeneity([gap.estimate for _, gap in self.by_source(first, second, measure)])
