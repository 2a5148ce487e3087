"""A table as CSV for programs, as Markdown and LaTeX for people; the page renders it as HTML."""

import pandas as pd
from tabulate import tabulate

from benchmark import evidence
from benchmark.report.result_table import ResultTable

LATEX = (
    {"\\": r"\textbackslash{}", "±": r"$\pm$", "“": "``", "”": "''", "–": "--"}
    | {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
    | {c: f"\\{c}" for c in "&%$#_{}"}
    | {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
)


def all_kinds(table: ResultTable) -> dict[str, str]:
    """Return suffix of a file → the table as its text."""
    return {"csv": csv(table), "md": markdown(table), "tex": latex(table)}


def csv(table: ResultTable) -> str:
    """Return all fields of all rows as CSV, without title and notes."""
    return pd.DataFrame(table.plain_rows()).to_csv(index=False, float_format=evidence.DIGITS)


def markdown(table: ResultTable) -> str:
    """Return the table as Markdown: its title, the table, and a paragraph per note."""
    headings, *rows = [[cell.replace("|", "\\|") for cell in cells] for cells in _cells(table)]
    text = tabulate(rows, headings, tablefmt="github", disable_numparse=True)
    return "\n\n".join([f"**{table.title}**", text, *table.notes]) + "\n"


def latex(table: ResultTable) -> str:
    """Return the table as LaTeX, its title and notes as comments."""
    headings, *rows = [["".join(LATEX.get(c, c) for c in cell) for cell in cells] for cells in _cells(table)]
    text = tabulate(rows, headings, tablefmt="latex_raw", disable_numparse=True)
    return "\n".join([*(f"% {note}" for note in [table.title, *table.notes]), text]) + "\n"


def _cells(table: ResultTable) -> list[list[str]]:
    """Return the headings, then the cells of each row, as people read them."""
    rows = [[column.text_beside_printed(row) for column in table.columns] for row in table.rows]
    return [[column.title for column in table.columns], *rows]
