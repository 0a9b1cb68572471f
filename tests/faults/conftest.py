"""What the tests of faults share: a picture, and processes that run commands."""

import PIL.Image
import pytest

from tests.conftest import draw_picture
from tests.faults.commands import Commands

_NETWORKS = (
    *("srnet.train", "srnet.export", "srnet.upscale", "srnet.training.run", "srnet.pretrained.load"),
    *("srnet.formats.litert", "srnet.formats.onnx", "srnet.inference.upscaler"),
)


def _serve(tmp_path_factory, modules):
    commands = Commands(tmp_path_factory.mktemp("logs"), modules)
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """Runs commands with TensorFlow."""
    yield from _serve(tmp_path_factory, _NETWORKS)


@pytest.fixture(scope="session")
def light_commands(tmp_path_factory):
    """Runs commands without TensorFlow, in a tenth of the time."""
    yield from _serve(tmp_path_factory, ["tests.faults.copy_picture"])


@pytest.fixture
def photo(tmp_path):
    """The file of a small picture."""
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(draw_picture(0, 36, 40)).save(path)
    return path
