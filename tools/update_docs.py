"""Copies the tables of experiments/results into the pages of docs/ that show them.

python tools/update_docs.py

A page shows a table between the lines <!-- NAME.md --> and <!-- end -->.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    from experiments.documentation import update_pages

    for page in update_pages():
        print(page)


if __name__ == "__main__":
    cli.run(main, lambda: None)
