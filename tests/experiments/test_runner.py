"""The progress bar over cells."""

import json

import pytest

from experiments import cells, runner
from srnet.training.config import TrainConfig

TRAINING = "$ command\rtraining:   2%|2    | 46/200 [00:20<01:07,  2.29step/s]\rtraining:  24%|##4  | 48/200 [00:21<01:"
EVALUATING = "Set5\rfull:   0%|     | 0/5 [00:00<?, ?image/s]\rfull:  60%|###  | 3/5 [00:01<00:00,  2.1image/s]"


@pytest.mark.parametrize(
    ("log", "begun"),
    [
        (TRAINING, 8),
        (EVALUATING, 3 * runner.IMAGE_WORTH),
        ("training A+ x2:  50%|#####     | 519/1038 [00:21<00:20, 24.3it/s]", 0),
        ("$ command\n", 0),
    ],
)
def test_a_running_command_tells_how_far_it_is(tmp_path, log, begun):
    config = TrainConfig(steps_per_epoch=40, epochs=5)
    cell = cells.Cell("full", 2, tmp_path / "full_x2_seed0", {"Set5": 5}, config=config)
    cell.folder.mkdir()
    line = {"epoch": 1, "step": 40, "psnr": 30.0, "ssim": 0.9, "seconds": 9.0}
    cell.run.metrics.write_text(json.dumps(line) + "\n")
    cell.log.write_text(log)
    assert runner._done(cell) == 40
    assert runner._begun(cell) == begun


def test_a_command_that_ends_is_not_counted_twice(tmp_path):
    cell = cells.Cell("full", 2, tmp_path / "full_x2_seed0", {"Set5": 5, "Set14": 14}, config=TrainConfig())
    cell.folder.mkdir()
    cell.log.write_text(f"command --output={cell.measurement('Set5')}\nfull: 100%|####| 5/5 [00:01<00:00, 2.1image/s]")
    assert runner._done(cell) + runner._begun(cell) == 5 * runner.IMAGE_WORTH
    cell.measurement("Set5").touch()
    assert runner._done(cell) + runner._begun(cell) == 5 * runner.IMAGE_WORTH
