"""What durable checkpoints cost."""

import re
import shutil
import statistics
import subprocess
import sys

import pytest

from tests.faults.results import TRAIN

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")]

EPOCH = 60  # seconds
LARGEST_SHARE = 0.02


def test_fsyncs_of_an_epoch(tmp_path, picture_root):
    """With the paper's x2 network and Adam's state, and a best result in each epoch."""
    train = TRAIN.format(root=picture_root).replace("--variant=srcnn", "--variant=full") + "6"
    module, *arguments = train.split()
    trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-T", "-e", "trace=fsync,fdatasync", "-o", "log"]
    subprocess.run([*trace, sys.executable, "-m", module, *arguments], cwd=tmp_path, check=True)
    calls = re.findall(r"f\w*sync\(\d+<(.*)>\) += 0 <([\d.]+)>", (tmp_path / "log").read_text())
    ends = [number for number, (path, _) in enumerate(calls) if path.endswith("metrics.jsonl")]
    epochs = [[float(seconds) for _, seconds in calls[end + 1 : next_ + 1]] for end, next_ in zip(ends, ends[1:])]
    size = sum(path.stat().st_size for path in (tmp_path / "run" / "checkpoints").glob("step-12.*"))
    counts, times = [len(epoch) for epoch in epochs], [sum(epoch) for epoch in epochs]
    share = statistics.median(times) / EPOCH
    print(f"checkpoint of {size / 1e6:.1f} MB: {counts} fsyncs, {[f'{1000 * time:.1f}' for time in times]} ms an epoch")
    print(f"{100 * share:.3f} % of an epoch of {EPOCH} s")
    assert len(epochs) == 5 and share <= LARGEST_SHARE
