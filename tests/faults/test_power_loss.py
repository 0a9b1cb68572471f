"""After a power loss, what a command had reported as done is whole, and a training goes on to the same result.

The file system is in a file, on a loop device: the file holds what the file system has given to the device, so that a
copy of it, taken while it is mounted, is what a power loss would leave.
"""

import contextlib
import shutil
import subprocess

import pytest

from tests.faults.commands import Fault, needs_root, needs_watch
from tests.faults.results import TRAIN, digests, finished_training

_NEEDED = ("mkfs.ext4", "mount", "umount", "losetup")
pytestmark = [
    pytest.mark.slow,
    needs_watch,
    needs_root,
    pytest.mark.skipif(not all(map(shutil.which, _NEEDED)), reason=f"needs {', '.join(_NEEDED)}"),
]


class Disk:
    """A file system whose power can be cut.

    Args:
      folder: a new folder for it.
      options: mount options.
    """

    def __init__(self, folder, options):
        folder.mkdir()
        self.image, self.root, self.options = folder / "image", folder / "mounted", options
        with self.image.open("wb") as file:
            file.truncate(256 * 2**20)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True)

    def mounted(self):
        """Mounts it, for the time of a `with`."""
        return _mounted(self.image, self.root, self.options)

    @contextlib.contextmanager
    def after_power_loss(self):
        """Mounts what a power loss would leave now."""
        left = self.image.with_name("left")
        subprocess.run(["cp", "--sparse=always", self.image, left], check=True)
        with _mounted(left, self.root.with_name("left_mounted"), self.options) as root:
            yield root
        left.unlink()


@contextlib.contextmanager
def _mounted(image, root, options):
    root.mkdir()
    command = ["mount", "-o", f"loop,{options}", image, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs loop devices: {done.stderr.strip()}")
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)  # lazily, or pytest would find it there if it is busy
        root.rmdir()


def _lasting(folder):
    """The digests of what commands promise to keep."""
    passing = ("run/tensorboard/", "run/.lock")
    return {name: digest for name, digest in digests(folder).items() if not name.startswith(passing)}


def _damage(disk):
    """The files that a power loss would damage now."""
    there = _lasting(disk.root)
    with disk.after_power_loss() as left:
        kept = _lasting(left)
    return [name for name in there if kept.get(name) != there[name]]


@pytest.mark.parametrize(
    "options, syncs",
    [("defaults", True), ("noauto_da_alloc,commit=300", True), ("defaults", False)],
    ids=["default options", "nothing is written before it must be", "without fsync"],
)
def test_after_success(commands, tmp_path, picture_root, photo, options, syncs):
    """Each command's files are on the disk when it ends; without fsync they are not, so this test can fail."""
    disk, epochs = Disk(tmp_path / "disk", options), 20
    with disk.mounted() as root:
        assert commands.run(root, "srnet.export --scale=3 --output=model --overwrite").status == 0
        subprocess.run(["sync", "-f", root], check=True)
        for command in (
            f"srnet.upscale {photo} --scale=2 --output=new/out.png",
            "srnet.export --scale=2 --output=model --overwrite",
            TRAIN.format(root=picture_root) + str(epochs),
        ):
            done = commands.run(root, command, syncs=syncs)
            damage = _damage(disk)
            print(f"{options}, {'with' if syncs else 'without'} fsync: {command.split()[0]}: {len(damage)} damaged")
            assert (done.status, done.errors) == (0, [])
            assert not damage if syncs else damage
        expected = finished_training(root)
        assert len(expected["metrics"]) == epochs and f"checkpoints/step-{2 * epochs}.index" in expected["checkpoints"]
        if syncs:
            with disk.after_power_loss() as left:
                assert finished_training(left) == expected


def test_during_training(commands, tmp_path, picture_root):
    """A power loss at any operation; the same command then ends with the same result."""
    train = TRAIN.format(root=picture_root) + "2"
    (tmp_path / "reference").mkdir()
    operations = commands.run(tmp_path / "reference", train, watch=True).operations
    expected = finished_training(tmp_path / "reference")
    for number in range(0, len(operations), len(operations) // 10):
        disk = Disk(tmp_path / str(number), "defaults")
        with disk.mounted() as root:
            assert commands.run(root, train, fault=Fault(number, "KILL")).status == -9
            with disk.after_power_loss() as left:
                done = commands.run(left, train)
                found = finished_training(left)
        print(f"power loss at operation {number} of {len(operations)}: resumed with status {done.status}")
        assert (done.status, done.errors) == (0, [])
        assert found == expected
