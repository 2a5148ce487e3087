"""Measure what EMANet's mask saves in its attention part; nothing else should run meanwhile."""

from pathlib import Path

from benchmark import evidence, params
from pipelines import Parser, run

JSON, PAGE = Path("results/saving.json"), Path("results/saving.md")


def main() -> None:
    """Write ``results/saving.json`` and ``results/saving.md``, and print the latter."""
    Parser("saving", __doc__).parse_args()
    settings = params.load()
    from benchmark.cost import saving

    record = saving.measure(settings.timing, lambda where, done: print(f"{where}: block {done}", flush=True))
    evidence.write_json(JSON, record)
    evidence.replace_text(PAGE, saving.page(record))
    print(saving.page(record))


if __name__ == "__main__":
    run(main)
