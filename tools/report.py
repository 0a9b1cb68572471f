"""Makes one HTML page of the results: tables, curves and, for each picture of Figure 6, a slider against bicubic.

python tools/report.py --budget=cpu --output=report.html

The page needs no network and no server.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.workspace import RESULTS
from srnet import cli
from srnet.files import write_text


def define_flags() -> None:
    shared_flags.define_budget_flag()
    flags.DEFINE_string("results", str(RESULTS), "Folder of the results.")
    flags.DEFINE_string("output", "report.html", "HTML file to write.")
    flags.DEFINE_alias("page", "output")


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    cli.import_tensorflow()
    from experiments.page import describe_page

    write_text(values.output, describe_page(pathlib.Path(values.results), values.budget))
    print(values.output)


if __name__ == "__main__":
    cli.run(main, define_flags)
