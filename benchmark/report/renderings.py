"""A table as CSV for programs, as Markdown and LaTeX for people; the page renders it as HTML."""

import re
from typing import Any

import pandas as pd
from tabulate import tabulate

from benchmark import evidence
from benchmark.report.result_table import ResultTable

LATEX = (
    {"\\": r"\textbackslash{}", "±": r"$\pm$", "“": "``", "”": "''", "–": "--"}
    | {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "×": r"$\times$", "α": r"$\alpha$", "σ": r"$\sigma$"}
    | {c: f"\\{c}" for c in "&%$#_{}"}
    | {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
)


UNSCALED = {100: "share", 1e-6: "count"}  # what a number is that a table shows in per cent, or in millions


def all_kinds(table: ResultTable, name: str) -> dict[str, str]:
    """Return suffix of a file → the table as its text; LaTeX refers to it by its ``name``."""
    return {"csv": csv(table), "md": markdown(table), "tex": latex(table, name)}


def csv(table: ResultTable) -> str:
    """Return all fields of all rows as CSV, without title and notes; its headings name units.

    Each column has one unit, that of the field, whatever scale it is shown at: a share is from 0 to 1.
    """
    units = _units(table)
    rows = [
        {f"{name}{units.get(name, '')}": _no_formula(value) for name, value in row.items()}
        for row in table.plain_rows()
    ]
    return pd.DataFrame(rows).to_csv(index=False, float_format=evidence.DIGITS)


def _units(table: ResultTable) -> dict[str, str]:
    """Return field → its unit in parentheses, of numbers whose names do not end with it."""
    units: dict[str, str] = {}
    for column in table.columns:
        unit = column.unit if column.scale == 1 else UNSCALED.get(column.scale, "")
        if column.digits is not None and unit and not column.field.endswith((f"_{unit.lower()}", "_s")):
            fields = (column.field, column.low, column.high, column.upto, f"{column.field}_claimed")
            units |= {field: f" ({unit})" for field in fields if not field.endswith(f"_{unit}")}
        if column.printed:
            units[column.printed] = " (text)"
    return units


def markdown(table: ResultTable) -> str:
    """Return the table as Markdown: its title, the table, and a paragraph per note."""
    headings, *rows = [[cell.replace("|", "\\|") for cell in cells] for cells in _cells(table)]
    text = tabulate(rows, headings, tablefmt="github", disable_numparse=True)
    return _no_html("\n\n".join([f"**{_one_line(table.title)}**", text, *map(_one_line, table.notes)])) + "\n"


def latex(table: ResultTable, name: str) -> str:
    """Return the table as a LaTeX float with caption and label, its notes as comments; it needs booktabs."""
    headings, *rows = [[_latex(cell) for cell in cells] for cells in _cells(table)]
    sides = "".join("l" if column.digits is None else "r" for column in table.columns)
    lines = ["  " + " & ".join(cells) + r" \\" for cells in [headings, *rows]]
    comments = ["needs \\usepackage{booktabs}", *map(_one_line, table.notes)]
    caption = re.sub("`([^`]*)`", r"\\texttt{\1}", _latex(_one_line(table.title)))
    return "\n".join(
        [
            *(f"% {comment}" for comment in comments),
            r"\begin{table}",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{name}}}",
            rf"\begin{{tabular}}{{{sides}}}",
            *(r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"),
            r"\end{tabular}",
            "\\end{table}\n",
        ]
    )


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def _cells(table: ResultTable) -> list[list[str]]:
    """Return the headings, then the cells of each row, as people read them."""
    rows = [[column.text_beside_printed(row) for column in table.columns] for row in table.rows]
    return [[_one_line(cell) for cell in cells] for cells in [[column.title for column in table.columns], *rows]]


def _one_line(text: str) -> str:
    """Return a text without line breaks, which would end a cell or a comment."""
    return " ".join(text.splitlines())


def _no_html(text: str) -> str:
    """Return Markdown in which nothing begins an HTML tag."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def _no_formula(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; a number stays as it is."""
    formula = isinstance(value, str) and re.match(r"[=@\t\r]|[+-](?![\d.]+(e[+-]?\d+)?$)", value)
    return f"'{value}" if formula else value
