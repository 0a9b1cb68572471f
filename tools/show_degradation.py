"""Draws LR versions of a picture: first the bicubic one, then randomly degraded ones.

python tools/show_degradation.py --picture=photo.png --degradation=photo --scale=2 --output=degraded.png
python tools/show_degradation.py --picture=photo.png --degradation=blur0.8+noise5-25
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.errors import UsageError


def define_flags() -> None:
    flags.DEFINE_string("picture", None, "Picture file.", required=True)
    flags.DEFINE_string("degradation", "photo", "Degradation, as srnet.train and srnet.evaluate take it.")
    flags.DEFINE_integer("scale", 2, "Scale.", lower_bound=1)
    flags.DEFINE_integer("count", 11, "Number of random draws.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of the draws.", lower_bound=0)
    flags.DEFINE_string("output", "degraded.png", "Picture to write.")
    cli.define_plugin_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    import numpy as np

    from srnet.data.degradation import degrade, find_degradation
    from srnet.images.color import to_rgb
    from srnet.images.read import read_image
    from srnet.images.resize import crop_to_multiple
    from srnet.images.write import write_image

    values = flags.FLAGS
    find_degradation(values.degradation)
    hr = crop_to_multiple(to_rgb(read_image(values.picture)), values.scale)
    if not hr.size:
        raise UsageError(f"{values.picture}: too small for --scale={values.scale}")
    made = [degrade(hr, values.scale, "bicubic", np.random.default_rng(0))]
    for number in range(values.count):
        made.append(degrade(hr, values.scale, values.degradation, np.random.default_rng([values.seed, number])))
    columns = min(4, len(made))
    made += [np.full_like(made[0], 255)] * (-len(made) % columns)
    rows = [np.concatenate(made[i : i + columns], axis=1) for i in range(0, len(made), columns)]
    write_image(values.output, np.concatenate(rows))
    print(values.output)


if __name__ == "__main__":
    cli.run(main, define_flags)
