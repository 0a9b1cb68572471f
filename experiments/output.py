"""Writes the tables of an experiment beside its records."""

import pathlib

from experiments.ablation_tables import describe_plus_ablation, describe_table_1
from experiments.recipes import table_1
from experiments.records import Record
from experiments.tables import describe_table_2
from srnet.files import write_text


def write_table_1(found: list[Record], path: pathlib.Path) -> None:
    """Writes and prints Table 1, if any of its networks are among the records.

    Args:
      found: all records of a budget.
      path: their file, BUDGET.jsonl.

    Raises:
      DataError: if the table cannot be written.
    """
    if {record["method"] for record in found} & set(table_1.COLUMNS.values()):
        _write(describe_table_1(found, path.stem), path.with_name(f"table_1_{path.stem}.md"))


def write_table_2(found: list[Record], path: pathlib.Path) -> None:
    """Writes and prints Table 2, if costs are among the records.

    Args:
      found: all records of a budget.
      path: their file, BUDGET.jsonl.

    Raises:
      DataError: if the table cannot be written.
    """
    if any(record["cost"] for record in found):
        _write(describe_table_2(found, path.stem), path.with_name(f"table_2_{path.stem}.md"))


def write_plus_ablation(found: list[Record], path: pathlib.Path) -> None:
    """Writes and prints the ablation of `plus`, if costs are among the records.

    Args:
      found: all records of the ablation at a budget.
      path: their file.

    Raises:
      DataError: if the table cannot be written.
    """
    if any(record["cost"] for record in found):
        _write(describe_plus_ablation(found), path.with_suffix(".md"))


def _write(table: str, path: pathlib.Path) -> None:
    write_text(path, table)
    print(table, path, sep="\n")
