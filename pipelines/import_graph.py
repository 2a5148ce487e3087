"""Which folder of the code imports which, as a picture for docs/architecture.md."""

from pathlib import Path

from benchmark.imports import imported, places

CODE = ("pipelines", "baselines", "benchmark")
FILES = {"benchmark": "*.py"}  # the folders below it stand apart
Graph = dict[str, set[str]]


def graph() -> Graph:
    """Return, for each folder of the code, the other folders that its files import; `benchmark` is its own files alone.

    Imports within functions and for types alone count too. A model's file is loaded by the name in params.yaml, so
    nothing imports `baselines`.
    """
    top = Path(__file__).parents[1]
    files = [path.relative_to(top) for name in CODE for path in sorted((top / name).rglob("*.py"))]
    imports: Graph = {_folder(path): set() for path in files}
    for path in files:
        for module in imported((top / path).read_text(encoding="utf-8")):
            names = set(places(module)) & set(files)
            imports[_folder(path)] |= {_folder(name) for name in names if (top / name).stat().st_size}
    return {folder: reached - {folder} for folder, reached in imports.items()}


def mermaid(imports: Graph) -> list[str]:
    """Return the picture as Mermaid text, without each arrow that a longer way stands for."""
    below = {folder: set().union(*(_reached(imports, step) for step in steps)) for folder, steps in imports.items()}
    names = {folder: folder.replace("/", "_") for folder in imports}
    arrows = [(folder, step) for folder, steps in imports.items() for step in sorted(steps - below[folder])]
    return [
        "```mermaid",
        "flowchart TD",
        *(f'    {name}["{folder}/{FILES.get(folder, "")}"]' for folder, name in names.items()),
        *(f"    {names[folder]} --> {names[step]}" for folder, step in arrows),
        "```\n",
    ]


def _reached(imports: Graph, folder: str) -> set[str]:
    """Return all folders below one, over any number of imports."""
    waiting, reached = [folder], set[str]()
    while waiting:
        for step in imports[waiting.pop()] - reached:
            reached.add(step)
            waiting.append(step)
    return reached


def _folder(path: Path) -> str:
    """Return the folder that a file counts as a part of: its own, two levels deep at most."""
    return "/".join(path.parent.parts[:2])
