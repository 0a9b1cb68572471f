"""Makes Table 1 (the effect of the skip connections) and Figure 5 (PSNR against epochs) of the paper, and verdicts on
its claims.

python tools/ablation_sweep.py --budget=quick    7 minutes on two cores, on scikit-image's photographs
python tools/ablation_sweep.py --budget=cpu      2 h 45 min on two cores, on T91 and BSD200
python tools/ablation_sweep.py --budget=paper    the paper's own budget
python tools/ablation_sweep.py --degradation=noise --seeds=0,1,2    under the noise of the paper's equation 1

After an interruption, the same command resumes, and reuses finished runs.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.recipes import ablation, table_1
from srnet import cli
from srnet.data.degradation import find_degradation


def define_flags() -> None:
    shared_flags.define_flags()
    shared_flags.define_job_flags()
    flags.DEFINE_list("scales", [str(scale) for scale in table_1.SCALES], "Scales.")
    flags.DEFINE_list("variants", None, "Networks. Default: Table 1's at every scale, Figure 5's at x2.")
    text = "Degradation of LR images in training and measuring; noise is the paper's imaging model."
    flags.DEFINE_string("degradation", "bicubic", text)
    shared_flags.define_seeds_flag("tables and curves show mean and spread")


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    find_degradation(flags.FLAGS.degradation)
    workspace, scales, seeds = shared_flags.workspace(), shared_flags.scales(), shared_flags.integers("seeds")
    networks = shared_flags.choices("variants", ablation.NETWORKS) if flags.FLAGS.variants is not None else None
    cli.import_tensorflow()
    from experiments.pictures import plots
    from experiments.runs import records, runner, sweeps
    from experiments.tables.ablation import describe_table_1
    from experiments.tables.claims import describe_claims
    from experiments.tables.markdown import write_table

    path = workspace.results_file()

    def write(found: list[records.Record]) -> None:
        write_table(describe_table_1(found, workspace.budget), path.with_name(f"table_1_{path.stem}.md"))
        write_table(describe_claims(found, workspace.budget), path.with_name(f"claims_{path.stem}.md"))
        figure = path.with_name(f"figure_5_{path.stem}.png")
        if plots.draw_curves(found, figure):
            print(figure)

    jobs = sweeps.ablation_jobs(workspace, scales, networks, seeds)
    sweeps.check_alike(records.read_records(path), jobs, path)
    return runner.run_jobs(jobs, workspace, path, write)


if __name__ == "__main__":
    cli.run(main, define_flags)
