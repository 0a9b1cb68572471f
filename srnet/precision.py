"""The precisions that networks compute in, and the fastest of them on this machine."""

import pathlib

from srnet.errors import UsageError

AUTO = "auto"
_CPU_INFO = pathlib.Path("/proc/cpuinfo")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def resolve_precision(precision: str) -> str:
    """Returns a precision as it is, or for "auto" the fastest one on this machine.

    Args:
      precision: one of `PRECISIONS`, or "auto": bfloat16 on GPUs since Ampere and processors with AVX512-BF16, float16
        on older GPUs since Volta, else float32.

    Raises:
      UsageError: for another one.
    """
    if precision in PRECISIONS:
        return precision
    if precision != AUTO:
        raise UsageError(f"precision {precision!r} is unknown: choose one of {', '.join((*PRECISIONS, AUTO))}")
    import tensorflow as tf  # importing takes seconds

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        capability = min(each.get("compute_capability", (0, 0)) for each in details)
        return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"
    return "mixed_bfloat16" if _CPU_INFO.exists() and "avx512_bf16" in _CPU_INFO.read_text() else "float32"
