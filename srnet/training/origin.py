"""The origin of a run: time, command, commit, versions and hardware."""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import srnet


def hardware() -> dict[str, Any]:
    """Returns this process's hardware: a dict with cpu, cores and gpus, and, with a GPU, tf32 (whether TF32 is on).

    With TF32, GPUs since Ampere round the factors of float32 multiplications to 10 bits of precision.
    """
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    gpus = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in devices]
    found = {"cpu": _processor(), "cores": os.cpu_count(), "gpus": gpus}
    return {**found, "tf32": tf.config.experimental.tensor_float_32_execution_enabled()} if gpus else found


def origin() -> dict[str, Any]:
    """Returns the time, command, commit, versions and hardware of this process, as a dict for JSON."""
    import keras
    import tensorflow as tf

    return {
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": [Path(sys.executable).name, *sys.orig_argv[1:]],
        "commit": _commit(),
        "versions": {"srnet": srnet.__version__, "tensorflow": tf.__version__, "keras": keras.__version__},
        "hardware": hardware(),
    }


def _commit() -> str | None:
    """The commit of a source checkout, with "-dirty" if Python files have changes; None for an installed package.

    Results and documentation, which the tools themselves write, may have changes.
    """
    folder = Path(srnet.__file__).parents[1]
    if not (folder / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("diff", "HEAD", "--name-only", "--", "*.py")
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
