"""The benchmarks run to their end; what they time is not judged."""

import re

import pytest

TRAINING = ["--variant=srcnn", "--train_sets=tiny", "--patch=16", "--batch_size=2", "--rounds=1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("training", [*TRAINING, "--steps=2"], r"--jit_compile +[\d.]+ s, .*\n.*srnet\.train +[\d.]+ s, [\d.]+ times"),
        ("workers", [*TRAINING, "--steps=2"], r"2 workers of \d+ cores each +[\d.]+ steps/s, [\d.]+ times as many"),
        ("store", ["--train_sets=skimage_test", "--batches=2", "--rounds=1"], r"2 batches are the same"),
    ],
)
def test_training(call_tool, picture_root, name, given, expected):
    status, output, _ = call_tool(f"benchmark_{name}.py", f"--data_root={picture_root}", *given)
    assert status == 0 and re.search(expected, output)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("folder", ["--pictures=20", "--network=plus_small", "--scale=2"], r"network alone [\d.]+ s, folder [\d.]+ s"),
        ("inference", ["--networks=plus_small", "--scales=2"], r"\| x2 \| plus_small \| float32 \| [\d.]+ \|"),
    ],
)
def test_enlarging(call_tool, name, given, expected):
    status, output, _ = call_tool(f"benchmark_{name}.py", *given, "--rounds=1")
    assert status == 0 and re.search(expected, output)
