"""Prints the size, cost and receptive field of every network: python -m srnet.models [SCALE ...]"""

from srnet import cli
from srnet.errors import UsageError
from srnet.models import build, names
from srnet.models.analysis import OUTPUT_SIZE, multiply_accumulates, receptive_field
from srnet.models.parts import check_scale
from srnet.models.rules import UnboundedError


def define_flags() -> None:
    """Defines no flags: the scales are the arguments."""


def main(arguments: list[str]) -> None:
    scales = cli.integers("SCALE", arguments) or (2, 4)
    for scale in scales:
        check_scale(scale)
    height, width = OUTPUT_SIZE
    print(f"GMACs: billions of multiply-accumulate operations for an output of {width}x{height}")
    print(f"{'network':<22} {'scale':>5} {'parameters':>10} {'GMACs':>7}  receptive field, LR pixels")
    for name in names():
        for scale in scales:
            label = f"{name:<22} {'x' + str(scale):>5}"
            try:
                model = build(name, scale)
            except UsageError:  # not a scale of this network
                print(f"{label} {'-':>10} {'-':>7}  -")
                continue
            try:
                side = receptive_field(model)
                field = f"{side}x{side}"
            except UnboundedError:
                field = "whole image"
            cost = multiply_accumulates(model, height // scale, width // scale) / 1e9
            print(f"{label} {model.count_params():>10,} {cost:>7.1f}  {field}")


if __name__ == "__main__":
    cli.run(main, define_flags)
