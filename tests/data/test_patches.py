"""The patch store: what is in it, when it is reused, what happens when it cannot be made or read."""

import concurrent.futures
import dataclasses
import json
import os
import shutil
import struct
import subprocess
import sys
import time
import types
import zlib

import h5py
import numpy as np
import PIL.Image
import pytest

from srnet.data import augmentation, checksums, degradation, patches
from srnet.data.datasets import find_images
from srnet.data.store import PATCHES
from srnet.digests import digest
from srnet.errors import DataError, UsageError
from srnet.evaluation.protocol import benchmark_pair
from srnet.files import LOCK
from srnet.images.color import round_to_uint8, to_luma
from srnet.images.read import read_image, read_size
from srnet.images.resize import imresize
from tests.patch_options import patch_options


def _store(root, folder, **changes):
    return patches.ensure_store(folder, "tiny", find_images("tiny", root), patch_options(**changes))


def _arrays(store):
    """All patches of a store in memory, as `lr` and `hr`."""
    return types.SimpleNamespace(**{name: getattr(store, name).read(range(len(store))) for name in ("lr", "hr")})


def test_patches_are_cut_from_augmented_then_degraded_images(picture_root, tmp_path):
    store = _arrays(_store(picture_root, tmp_path / "cache"))
    start = 0
    for path in find_images("tiny", picture_root):
        luma = to_luma(read_image(path))
        for hr in (luma, np.rot90(luma), luma[:, ::-1], luma[::-1]):
            hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
            lr = round_to_uint8(imresize(hr, 0.5))
            for top in range(0, hr.shape[0] - 15, 8):
                for left in range(0, hr.shape[1] - 15, 8):
                    np.testing.assert_array_equal(store.hr[start, ..., 0], hr[top : top + 16, left : left + 16])
                    half = lr[top // 2 : top // 2 + 8, left // 2 : left // 2 + 8]
                    np.testing.assert_array_equal(store.lr[start, ..., 0], half)
                    start += 1
    assert start == len(store.hr)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scale": 3, "channels": 3, "patch": 15, "stride": 6, "orientations": 8, "augment_scales": (1.0, 0.7)},
        {"degradation": "photo", "channels": 3, "seed": 5},
        {"patch": 32, "stride": 32},
    ],
)
def test_a_store_of_pictures_holds_the_same_patches(picture_root, tmp_path, changes):
    whole, cut = _store(picture_root, tmp_path / "patches", **changes), tmp_path / "pictures"
    pictures = patches.ensure_store(cut, "tiny", find_images("tiny", picture_root), patch_options(**changes), limit=0)
    assert (pictures.path.name, pictures.digest) == (whole.path.name, whole.digest)
    assert pictures.path.stat().st_size < whole.path.stat().st_size or changes.get("patch") == 32
    order = np.random.default_rng(0).permutation(len(whole))
    assert len(pictures) == len(whole)
    for name in ("lr", "hr"):
        one, other = getattr(whole, name), getattr(pictures, name)
        assert one.shape == other.shape
        np.testing.assert_array_equal(one.read(order), other.read(order))
    stamp = pictures.path.stat().st_mtime_ns
    assert _store(picture_root, cut, **changes).path.stat().st_mtime_ns == stamp  # either kind serves


def test_a_picture_is_decoded_once(picture_root, tmp_path, monkeypatch):
    read, sizes = [], []
    monkeypatch.setattr(augmentation, "read_image", lambda path: read.append(path) or read_image(path))
    monkeypatch.setattr(patches, "read_size", lambda path: sizes.append(path) or read_size(path))
    _store(picture_root, tmp_path, orientations=8, augment_scales=(1.0, 0.9, 0.8))
    assert sorted(read) == sorted(sizes) == sorted(find_images("tiny", picture_root))


def test_smaller_copies_are_cut_too(picture_root, tmp_path):
    store = _arrays(_store(picture_root, tmp_path, orientations=1, augment_scales=(1.0, 0.5)))
    large = _store(picture_root, tmp_path, orientations=1)
    picture = round_to_uint8(imresize(to_luma(read_image(picture_root / "tiny" / "b10.png")), 0.5))  # 20x28
    for left in (0, 8):
        found = [i for i in range(len(store.hr)) if np.array_equal(store.hr[i, ..., 0], picture[:16, left : left + 16])]
        assert len(found) == 1
        lr = round_to_uint8(imresize(picture, 0.5))
        np.testing.assert_array_equal(store.lr[found[0], ..., 0], lr[:8, left // 2 : left // 2 + 8])
    # Of the others, 33x35 becomes 17x18, one patch, and 32x47 becomes 16x24, two.
    assert len(store.hr) == len(large) + 2 + 1 + 2


def test_copies_smaller_than_a_patch_are_left_out(picture_root, tmp_path):
    assert len(_store(picture_root, tmp_path, augment_scales=(1.0, 0.3))) == len(_store(picture_root, tmp_path))
    stores = set(tmp_path.iterdir())
    with pytest.raises(DataError, match=r"augment_scales 0\.3: no copy is as large as a patch of 16x16"):
        _store(picture_root, tmp_path, augment_scales=(0.3,))
    assert set(tmp_path.iterdir()) == stores


def test_eight_orientations_are_the_four_of_the_paper_and_the_other_four(picture_root, tmp_path):
    square = picture_root / "square" / "one.png"
    square.parent.mkdir()
    PIL.Image.fromarray(read_image(picture_root / "tiny" / "b10.png")[:32, :32]).save(square)
    options = patch_options(patch=32, stride=32)
    four = _arrays(patches.ensure_store(tmp_path, "square", [square], options))
    eight = _arrays(patches.ensure_store(tmp_path, "square", [square], dataclasses.replace(options, orientations=8)))
    luma = to_luma(read_image(square))
    expected = {
        turned.tobytes() for each in (luma, luma.T) for turned in (each, each[::-1], each[:, ::-1], each[::-1, ::-1])
    }
    assert len(expected) == 8 == len(eight.hr) and {hr.tobytes() for hr in eight.hr} == expected
    np.testing.assert_array_equal(eight.hr[:4], four.hr)
    for lr, hr in zip(eight.lr, eight.hr):
        np.testing.assert_array_equal(lr[..., 0], round_to_uint8(imresize(hr[..., 0], 0.5)))


def test_turned_copies_of_an_oblong_picture_are_cut_whole(picture_root, tmp_path):
    assert len(_store(picture_root, tmp_path, orientations=8)) == 2 * len(_store(picture_root, tmp_path))


def test_descriptions_are_those_of_older_versions(tmp_path):
    """Whose stores, and the digests in whose runs, are to be found: the format is theirs."""
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "b.png").write_bytes(b"b")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    sources = [
        ["a.png", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"],
        ["b.png", "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"],
    ]
    common = {"version": 1, "scale": 2, "channels": 1, "patch": 16, "stride": 8}
    for changes, expected, twelve_digits in (
        ({}, {"augment": True}, "9bc0f0c3f198"),
        ({"orientations": 1}, {"augment": False}, "74d635cdc339"),
        (
            {"orientations": 8, "augment_scales": (1.0, 0.5)},
            {"augment": True, "orientations": 8, "augment_scales": [1.0, 0.5]},
            "38a1f52547ad",
        ),
    ):
        description = patches.describe(paths, patch_options(**changes))
        assert description == {**common, **expected, "sources": sources}
        assert digest(description) == twelve_digits


def test_degradations_draw_from_the_picture_and_the_copy_alone(picture_root, tmp_path, monkeypatch):
    def noisy(hr, scale, random):
        return (hr[::scale, ::scale] // 2 + random.integers(0, 100, hr[::scale, ::scale].shape)).astype(np.uint8)

    monkeypatch.setattr(degradation, "DEGRADATIONS", {**degradation.DEGRADATIONS})
    degradation.register("noisy", noisy)
    store, again = (_store(picture_root, tmp_path / folder, degradation="noisy") for folder in ("one", "two"))
    assert store.description["degradation"] == "noisy" and store.path.name == again.path.name
    store, again = _arrays(store), _arrays(again)
    np.testing.assert_array_equal(store.lr, again.lr)
    # The same picture under another name and among others: its draws stay, and its copies have draws of their own.
    alone = picture_root / "alone" / "other.png"
    alone.parent.mkdir()
    shutil.copy(picture_root / "tiny" / "b10.png", alone)
    first = _arrays(patches.ensure_store(tmp_path, "alone", [alone], patch_options(degradation="noisy")))
    count = len(first.hr)
    places = [i for i in range(len(store.hr) - count + 1) if np.array_equal(store.hr[i : i + count], first.hr)]
    assert len(places) == 1
    np.testing.assert_array_equal(store.lr[places[0] :][:count], first.lr)
    noise = first.lr.astype(int) - first.hr[:, ::2, ::2] // 2
    assert not np.array_equal(noise[0], noise[count // 4])
    assert noise.min() >= 0 and noise.max() < 100


def test_luma_is_taken_after_the_degradation_as_in_evaluation(tmp_path):
    PIL.Image.new("RGB", (200, 200), (120, 130, 140)).save(tmp_path / "color.png")
    PIL.Image.new("L", (200, 200), 128).save(tmp_path / "gray.png")
    options = patch_options(patch=200, stride=200, orientations=1, degradation="noise15")
    for name, deviation in (("color", 15 * np.linalg.norm([65.481, 128.553, 24.966]) / 255), ("gray", 15)):
        store = patches.ensure_store(tmp_path, name, [tmp_path / f"{name}.png"], options)
        arrays = _arrays(store)
        assert arrays.lr.shape == (1, 100, 100, 1) and np.ptp(arrays.hr) == 0
        assert arrays.lr.std() == pytest.approx(deviation, rel=0.03)
        seen, _ = benchmark_pair(read_image(tmp_path / f"{name}.png"), 2, 1, "noise15")
        assert seen.std() == pytest.approx(deviation, rel=0.03)


def test_a_degradation_of_another_size_is_refused(picture_root, tmp_path, monkeypatch):
    monkeypatch.setattr(degradation, "DEGRADATIONS", {"bicubic": lambda hr, scale, random: hr})
    with pytest.raises(UsageError, match=r"'bicubic' returned uint8 \(32, 34, 1\), not uint8 \(16, 17, 1\)"):
        _store(picture_root, tmp_path)
    assert not list(tmp_path.glob("*.h5"))
    with pytest.raises(UsageError, match="degradation 'bicubic' is registered already"):
        degradation.register("bicubic", lambda hr, scale, random: hr)


def test_rgb_scale_three_and_no_augmentation(picture_root, tmp_path):
    store = _store(picture_root, tmp_path, scale=3, channels=3, patch=15, stride=6, orientations=1)
    sizes = [(33, 33), (39, 54), (30, 45)]  # multiples of 3, in natural order of the names
    assert len(store) == sum(((h - 15) // 6 + 1) * ((w - 15) // 6 + 1) for h, w in sizes)
    assert store.hr.shape[1:] == (15, 15, 3) and store.lr.shape[1:] == (5, 5, 3)


def test_reused_when_it_matches_and_made_anew_when_not(picture_root, tmp_path):
    first = _store(picture_root, tmp_path)
    stamp = first.path.stat().st_mtime_ns
    assert _store(picture_root, tmp_path).path.stat().st_mtime_ns == stamp
    assert _store(picture_root, tmp_path, stride=16).path != first.path
    PIL.Image.fromarray(read_image(picture_root / "tiny" / "grey.png") // 2).save(picture_root / "tiny" / "grey.png")
    changed = _store(picture_root, tmp_path)
    assert changed.path != first.path
    assert not np.array_equal(_arrays(changed).hr, _arrays(first).hr)


def test_processes_at_the_same_time_build_a_store_once(picture_root, tmp_path, monkeypatch):
    build, built = patches.build_store, []

    def build_slowly(path, *arguments):
        built.append(path)
        time.sleep(0.5)
        build(path, *arguments)

    monkeypatch.setattr(patches, "build_store", build_slowly)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:  # file locks keep threads apart as they do processes
        stores = list(pool.map(lambda _: _store(picture_root, tmp_path), range(3)))
    assert len(built) == 1 and len({store.path for store in stores}) == 1


def test_file_describes_itself(picture_root, tmp_path):
    store = _store(picture_root, tmp_path)
    with h5py.File(store.path) as file:
        assert file.attrs["version"] == PATCHES
        assert file["hr"].dtype == file["lr"].dtype == np.uint8
    assert {"scale": 2, "channels": 1, "patch": 16, "stride": 8, "augment": True}.items() <= store.description.items()
    assert [name for name, _ in store.description["sources"]] == ["b2.png", "b10.png", "grey.png"]


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_a_file_cut_short_is_refused(picture_root, tmp_path, kept):
    path = _store(picture_root, tmp_path).path
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(DataError, match=rf"{path.name}: .*cut short.*delete it"):
        _store(picture_root, tmp_path)


def test_another_version_or_description_is_refused(picture_root, tmp_path):
    path = _store(picture_root, tmp_path).path
    head = struct.unpack("<16sQII", path.read_bytes()[:32])[2]

    def change(name, value):
        with h5py.File(path, "a") as file:
            file.attrs[name] = value(file.attrs[name])
        checksums.add_checksums(path, head)

    change("description", lambda text: text.replace("b2.png", "b3.png"))
    with pytest.raises(DataError, match="other pictures or options"):
        _store(picture_root, tmp_path)
    change("version", lambda version: 99)
    with pytest.raises(DataError, match="version 99"):
        _store(picture_root, tmp_path)


def test_every_damaged_byte_is_noticed(picture_root, tmp_path):
    path = _store(picture_root, tmp_path).path
    content, random = path.read_bytes(), np.random.default_rng(0)
    kinds = {"flip": 0, "zeros": 0, "cut": 0, "longer": 0}
    for number in range(400):
        place, kind = int(random.integers(len(content))), list(kinds)[number % 4]
        damaged = bytearray(content)
        if kind == "flip":
            damaged[place] ^= 1 << int(random.integers(8))
        elif kind == "zeros":
            damaged[place : place + 512] = bytes(len(damaged[place : place + 512]))
            if damaged == content:
                continue
        elif kind == "cut":
            del damaged[place:]
        else:
            damaged += bytes(number)
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"{path.name}: .*delete it, and it will be built again"):
            _store(picture_root, tmp_path)
        kinds[kind] += 1
    assert min(kinds.values()) > 90
    path.write_bytes(content)
    assert len(_store(picture_root, tmp_path)) > 100


def test_a_store_of_srnet_0_1_is_built_again(picture_root, tmp_path):
    store = _store(picture_root, tmp_path)
    hr, content = _arrays(store).hr, store.path.read_bytes()
    with h5py.File(store.path, "w", locking=False) as file:  # without checksums, and with other pixels
        file.attrs["version"], file.attrs["description"] = 1, json.dumps(store.description)
        for name in ("lr", "hr"):
            file[name] = np.zeros(getattr(store, name).shape, np.uint8)
    np.testing.assert_array_equal(_arrays(_store(picture_root, tmp_path)).hr, hr)
    assert store.path.read_bytes() == content


@pytest.mark.parametrize("limit", [1e9, 0])
def test_a_store_cut_while_it_is_read(picture_root, tmp_path, limit):
    store = patches.ensure_store(tmp_path, "tiny", find_images("tiny", picture_root), patch_options(), limit)
    store.hr.read([len(store) - 1])
    os.truncate(store.path, store.path.stat().st_size // 2)
    with pytest.raises(DataError, match="cut short while it was being read"):
        store.hr.read([len(store) - 1])


def test_a_store_that_another_program_has_open(picture_root, tmp_path):
    path = _store(picture_root, tmp_path).path
    program = "import h5py, sys; file = h5py.File(sys.argv[1], 'a'); print('open', flush=True); input()"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        with pytest.raises(DataError, match="another program has it open; close that program$"):
            _store(picture_root, tmp_path)
        other.kill()


def test_checksums_against_zlib(tmp_path):
    data = np.random.default_rng(0).bytes(9 * 2**20 + 5)
    head, path = checksums.head_size(len(data)), tmp_path / "file"
    path.write_bytes(bytes(head) + data)
    checksums.add_checksums(path, head)
    block = 4 * 2**20
    expected = [zlib.crc32(data[place : place + block]) for place in range(0, len(data), block)]
    assert list(struct.unpack_from("<3I", path.read_bytes(), 32)) == expected and head == 512
    with path.open("rb") as file:
        checksums.verify(file.fileno(), path)
    assert path.read_bytes()[head:] == data


def test_an_unusable_picture_is_named_and_leaves_nothing(picture_root, tmp_path):
    cache = tmp_path / "cache"
    PIL.Image.new("RGB", (100, 15)).save(picture_root / "tiny" / "flat.png")
    with pytest.raises(DataError, match=r"flat\.png: 100x15 is smaller than a patch of 16x16"):
        _store(picture_root, cache)
    broken = picture_root / "tiny" / "flat.png"
    broken.write_bytes((picture_root / "tiny" / "b10.png").read_bytes()[:1500])
    with pytest.raises(DataError, match=r"flat\.png"):
        _store(picture_root, cache)
    assert {path.name for path in cache.iterdir()} <= {LOCK}


def test_no_space_left_is_said_before_anything_is_written(picture_root, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"no space left: 0\.00 GB needed"):
        _store(picture_root, tmp_path)
    assert list(tmp_path.glob("*.h5")) == []


def test_a_disk_that_fills_up_meanwhile_is_one_error(picture_root, tmp_path):
    """Under a limit on file sizes, which disk_usage does not see; in a process of its own."""
    program = f"""
import pathlib, resource, signal, sys
from srnet.data.patches import ensure_store
from srnet.errors import DataError
from tests.patch_options import patch_options
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
paths = sorted(pathlib.Path({str(picture_root)!r}, "tiny").iterdir())
try:
    ensure_store({str(tmp_path / "cache")!r}, "tiny", paths, patch_options())
except DataError as error:
    sys.exit(str(error))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    assert "cannot be written" in result.stderr and "File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert {path.name for path in (tmp_path / "cache").iterdir()} <= {LOCK}


def test_bad_options():
    with pytest.raises(UsageError, match="multiples of the scale 3"):
        patch_options(scale=3)
    with pytest.raises(UsageError, match="orientations 2 is unknown: choose one of 1, 4, 8"):
        patch_options(orientations=2)
    with pytest.raises(UsageError, match="degradation 'blur' is unknown: choose one of bicubic"):
        patch_options(degradation="blur")
