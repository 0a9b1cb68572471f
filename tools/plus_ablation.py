"""Makes the ablation table of `plus`, this project's own network.

python tools/plus_ablation.py --budget=quick    on scikit-image's photographs
python tools/plus_ablation.py --budget=cpu      on T91 and BSD200

It shares its first run with compare_methods.py, but measures it separately. After an interruption, the same command
resumes, and reuses finished runs and measurements.
"""

import pathlib
import sys
from collections.abc import Sequence

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.recipes.plus_ablation import ROWS
from srnet import cli


def define_flags() -> None:
    shared_flags.define_flags()
    shared_flags.define_job_flags()
    flags.DEFINE_list("rows", None, f"Rows. Default: all ({', '.join(ROWS)}).")


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    workspace, rows = shared_flags.workspace(), shared_flags.choices("rows", tuple(ROWS))
    cli.import_tensorflow()
    from experiments.runs import costs, records, runner, sweeps
    from experiments.runs.jobs import Job
    from experiments.tables.ablation import describe_plus_ablation
    from experiments.tables.markdown import write_table

    path = workspace.results_file("plus_ablation_")

    def write(found: list[records.Record]) -> None:
        write_table(describe_plus_ablation(found, workspace.budget), path.with_suffix(".md"))

    def measure(made: Sequence[Job]) -> dict[str, str]:
        return costs.add_costs(made, path, workspace)

    jobs = sweeps.plus_jobs(workspace, rows)
    own = {row: tuple(changes) for row, (_, changes) in ROWS.items()}
    sweeps.check_alike(records.read_records(path), jobs, path, own)
    return runner.run_jobs(jobs, workspace, path, write, measure)


if __name__ == "__main__":
    cli.run(main, define_flags)
