"""Makes Table 2 of the paper (bicubic, A+, SRCNN, VDSR, RED-Net, the paper's network and `plus` on the test sets),
its second part (DRCN, IDN, RCAN and ESRGAN), and verdicts on the paper's claims.

python tools/compare_methods.py --budget=quick    on scikit-image's photographs
python tools/compare_methods.py --budget=cpu      on T91 and BSD200; two hours at x2 without the second part
python tools/compare_methods.py --budget=paper    the paper's own budget

It shares its runs with ablation_sweep.py. After an interruption, the same command resumes, and reuses finished runs and
measurements.
"""

import pathlib
import sys
from collections.abc import Sequence

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.recipes import table_2
from srnet import cli


def define_flags() -> None:
    shared_flags.define_flags()
    shared_flags.define_job_flags()
    shared_flags.define_methods_flag()
    flags.DEFINE_list("scales", [str(scale) for scale in table_2.SCALES], "Scales.")
    shared_flags.define_seeds_flag("the table shows seed 0, the verdicts all")


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    workspace, scales, methods = shared_flags.workspace(), shared_flags.scales(), shared_flags.methods()
    seeds = shared_flags.integers("seeds")
    cli.import_tensorflow()
    from experiments.runs import costs, records, runner, sweeps
    from experiments.runs.jobs import Job
    from experiments.tables.claims import describe_claims
    from experiments.tables.comparison import describe_table_2
    from experiments.tables.markdown import write_table

    path = workspace.results_file()

    def write(found: list[records.Record]) -> None:
        write_table(describe_table_2(found, workspace.budget), path.with_name(f"table_2_{path.stem}.md"))
        write_table(describe_claims(found, workspace.budget), path.with_name(f"claims_{path.stem}.md"))

    def measure(made: Sequence[Job]) -> dict[str, str]:
        return costs.add_costs([job for job in made if not job.seed], path, workspace)  # the table shows seed 0

    jobs = sweeps.comparison_jobs(workspace, scales, methods, seeds)
    sweeps.check_alike(records.read_records(path), jobs, path)
    return runner.run_jobs(jobs, workspace, path, write, measure)


if __name__ == "__main__":
    cli.run(main, define_flags)
