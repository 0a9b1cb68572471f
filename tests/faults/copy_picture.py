"""Reads a picture and writes it under a name of another format, in milliseconds: a command for the tests of writers.

tests.faults.copy_picture SOURCE TARGET
"""

from srnet import cli
from srnet.images.read import read_picture
from srnet.images.write import write_picture


def main(arguments: list[str]) -> None:
    source, target = arguments
    write_picture(target, read_picture(source))


def run() -> None:
    cli.run(main, lambda: None)
