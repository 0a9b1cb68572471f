"""Enlarges a picture with the network of a run.

python -m srnet.upscale IN.png OUT.png --run=RUN_DIR
"""

from absl import flags

from srnet import commands
from srnet.data.images import output_format, read_image, write_image
from srnet.inference import upscale_image
from srnet.training.runs import load_run


def define_flags():
    commands.define_run_flags()


def main(arguments):
    source, target = commands.expect(arguments, 2, "IN OUT")
    output_format(target)
    image = read_image(source)
    model, _ = load_run(flags.FLAGS.run, flags.FLAGS.checkpoint)
    enlarged = upscale_image(model, image)
    write_image(target, enlarged)
    (height, width), (tall, wide) = image.shape[:2], enlarged.shape[:2]
    print(f"{target}: {width}x{height} enlarged to {wide}x{tall}")


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
