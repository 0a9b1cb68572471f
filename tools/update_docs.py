"""Updates the tables in README.md and docs/: those of experiments/results, and those of the pretrained networks.

python tools/update_docs.py

A page shows a table between the lines <!-- NAME --> and <!-- end -->.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    cli.import_tensorflow()
    from experiments import documentation, weights

    for page in dict.fromkeys([*documentation.copy_results_tables(), *weights.write_network_tables()]):
        print(page)


if __name__ == "__main__":
    cli.run(main, lambda: None)
