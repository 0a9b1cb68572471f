"""Prints the size and receptive field of every network: python -m srnet.models [SCALE ...]"""

from srnet import commands
from srnet.models import build, names
from srnet.models.receptive_field import receptive_field


def define_flags():
    pass


def main(arguments):
    scales = commands.integers("SCALE", arguments) or (2, 4)
    print(f"{'network':<22} {'scale':>5} {'parameters':>10}  receptive field, LR pixels")
    for name in names():
        for scale in scales:
            model = build(name, scale)
            field = receptive_field(model)
            print(f"{name:<22} {'x' + str(scale):>5} {model.count_params():>10,}  {field}x{field}")


if __name__ == "__main__":
    commands.run(main, define_flags)
