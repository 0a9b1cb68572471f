"""The memory that a large picture takes: that of its arrays, and no more than a smaller one's."""

import os
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import skimage.data

GIB = 2**30


def _peak_beyond_arrays(folder, width, height):
    """Enlarges a picture twice; returns the process's peak memory, and that without the two arrays, in bytes."""
    photo = skimage.data.chelsea()
    copies = (-(-height // photo.shape[0]), -(-width // photo.shape[1]), 1)
    source, target = folder / f"{width}.png", folder / f"{width}_large.png"
    PIL.Image.fromarray(np.tile(photo, copies)[:height, :width]).save(source)
    process = subprocess.Popen([sys.executable, "-m", "srnet.upscale", source, f"--output={target}", "--scale=2"])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    peak = usage.ru_maxrss * 1024
    return peak, peak - 3 * width * height * (1 + 4)


@pytest.mark.slow
def test_memory_is_bounded_by_the_tile(tmp_path):
    _, small = _peak_beyond_arrays(tmp_path, 3000, 2000)
    peak, large = _peak_beyond_arrays(tmp_path, 6000, 4000)
    assert peak <= 2 * GIB
    assert large <= 1.1 * small
