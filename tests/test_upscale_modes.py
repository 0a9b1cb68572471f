"""A folder with pictures of every mode and broken ones, enlarged by one command, and read with ExifTool."""

import json
import shutil
import subprocess

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from tests import forked
from tests.pictures import SRGB, png16

RANDOM = np.random.default_rng(0)
SIZE = (20, 30)

# Names of good pictures, and what ExifTool is to say of their enlargement: bits of a sample, and kind of colours.
GREY, GREY_ALPHA, COLOURS, COLOURS_ALPHA, INKS = "grey", "grey+alpha", "colours", "colours+alpha", "inks"
GOOD = {
    "l.png": (8, GREY),
    "la.png": (8, GREY_ALPHA),
    "rgb.png": (8, COLOURS),
    "rgba.png": (8, COLOURS_ALPHA),
    "palette.png": (8, COLOURS),
    "palette_keyed.png": (8, COLOURS_ALPHA),
    "one_bit.png": (8, GREY),
    "profile.png": (8, COLOURS),
    "l16.png": (16, GREY),
    "rgb16.png": (16, COLOURS),
    "rgba16.png": (16, COLOURS_ALPHA),
    "l.jpg": (8, GREY),
    "rgb.jpeg": (8, COLOURS),
    "cmyk.jpg": (8, INKS),
    "turned3.jpg": (8, COLOURS),
    "turned6.jpg": (8, COLOURS),
    "turned8.jpg": (8, COLOURS),
    "l.tif": (8, GREY),
    "rgb.tif": (8, COLOURS),
    "rgba.tif": (8, COLOURS_ALPHA),
    "cmyk.tif": (8, INKS),
    "l16.tif": (16, GREY),
    "rgb16.tiff": (16, COLOURS),
    "float_l.tif": (32, GREY),
    "float_rgb.tif": (32, COLOURS),
    "rgb.webp": (8, COLOURS),
    "rgb.bmp": (8, COLOURS),
    "still.gif": (8, COLOURS),  # enlarged as PNG
}


def _pixels(channels, dtype=np.uint8):
    shape = SIZE if channels == 1 else (*SIZE, channels)
    if dtype == np.float32:
        return RANDOM.uniform(0, 1, shape).astype(dtype)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def _make_good(folder):
    rgb = PIL.Image.fromarray(_pixels(3))
    for name, mode in (
        ("l.png", "L"),
        ("la.png", "LA"),
        ("rgb.png", "RGB"),
        ("rgba.png", "RGBA"),
        ("palette.png", "P"),
        ("one_bit.png", "1"),
        ("l.jpg", "L"),
        ("rgb.jpeg", "RGB"),
        ("cmyk.jpg", "CMYK"),
        ("l.tif", "L"),
        ("rgb.tif", "RGB"),
        ("rgba.tif", "RGBA"),
        ("cmyk.tif", "CMYK"),
        ("rgb.webp", "RGB"),
        ("rgb.bmp", "RGB"),
        ("still.gif", "P"),
    ):
        rgb.convert(mode).save(folder / name)
    rgb.quantize(16).save(folder / "palette_keyed.png", transparency=3)
    rgb.save(folder / "profile.png", icc_profile=SRGB)
    for orientation in (3, 6, 8):
        exif = PIL.Image.Exif()
        exif[0x0112], exif[0x010F] = orientation, "a camera"
        rgb.save(folder / f"turned{orientation}.jpg", exif=exif, icc_profile=SRGB)
    for name, channels in (("l16.png", 1), ("rgb16.png", 3), ("rgba16.png", 4)):
        (folder / name).write_bytes(png16(_pixels(channels, np.uint16)))
    for name, channels, dtype in (
        ("l16.tif", 1, np.uint16),
        ("rgb16.tiff", 3, np.uint16),
        ("float_l.tif", 1, np.float32),
        ("float_rgb.tif", 3, np.float32),
    ):
        tifffile.imwrite(folder / name, _pixels(channels, dtype), photometric="rgb" if channels == 3 else "minisblack")


def _make_broken(folder):
    """Writes twelve files that cannot be enlarged, and returns their names."""
    rgb = PIL.Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), np.uint8))
    frames = {"save_all": True, "append_images": [rgb.rotate(90)]}
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("a text\n")
    (folder / "noise.webp").write_bytes(RANDOM.bytes(500))
    for name, part in (("cut.png", 0.7), ("cut.jpg", 0.5), ("cut.tif", 0.6)):
        rgb.save(folder / name)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * part)])
    rgb.save(folder / "spoilt.png")
    data = bytearray((folder / "spoilt.png").read_bytes())
    data[len(data) // 2] ^= 255
    (folder / "spoilt.png").write_bytes(data)
    PIL.Image.new("1", (30000, 30000)).save(folder / "bomb.png")
    rgb.save(folder / "moving.gif", **frames)
    rgb.save(folder / "moving.webp", **frames)
    rgb.save(folder / "pages.tif", **frames)
    tifffile.imwrite(folder / "beyond.tif", np.full((8, 8), 7.5, np.float32))
    return {path.name for path in folder.iterdir()}


def _kind_of_colours(tags):
    if "ColorType" in tags:  # PNG
        return {0: GREY, 2: COLOURS, 4: GREY_ALPHA, 6: COLOURS_ALPHA}[tags["ColorType"]]
    if "PhotometricInterpretation" in tags:  # TIFF
        colours = {1: GREY, 2: COLOURS, 5: INKS}[tags["PhotometricInterpretation"]]
        return COLOURS_ALPHA if colours == COLOURS and tags["SamplesPerPixel"] == 4 else colours
    return {1: GREY, 4: INKS}.get(tags.get("ColorComponents"), COLOURS)


def test_a_folder_of_every_mode_and_twelve_broken_files(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    broken = _make_broken(photos)
    assert len(broken) == 12
    _make_good(photos)
    assert {path.name for path in photos.iterdir()} == {*GOOD, *broken}

    done = forked.run("srnet.upscale", photos, f"--output={out}")
    errors = done.stderr.splitlines()
    assert done.returncode == 1
    assert len(errors) == 12 and all(line.startswith("error: ") for line in errors), done.stderr
    assert {name for name in broken if any(name in line for line in errors)} == broken
    assert len(done.stdout.splitlines()) == len(GOOD) == 28
    for file, reason in (
        ("rgb.jpeg", "photo (JPEG of quality 75)"),
        ("rgb.webp", "photo (lossy WebP)"),
        ("rgb.png", "plus (PNG, not JPEG)"),
    ):
        assert f"{out / file}: 30x20 enlarged to 120x80 by {reason} in " in done.stdout
    made = {name.replace("still.gif", "still.png"): row for name, row in GOOD.items()}
    assert {path.name for path in out.iterdir()} == set(made)

    exiftool = shutil.which("exiftool")
    if not exiftool:
        pytest.skip("needs exiftool")
    listed = subprocess.run([exiftool, "-json", "-n", out], capture_output=True, check=True).stdout
    for tags in json.loads(listed):
        name = tags["FileName"]
        bits, colours = made[name]
        turned = name in ("turned6.jpg", "turned8.jpg")
        assert (tags["ImageWidth"], tags["ImageHeight"]) == ((80, 120) if turned else (120, 80)), name
        depth = str(tags.get("BitDepth", tags.get("BitsPerSample", 8)))
        assert {int(each) for each in depth.split()} == ({24} if name.endswith(".bmp") else {bits}), name
        assert _kind_of_colours(tags) == colours, name
        assert tags.get("Orientation", 1) == 1, name
        if name.startswith(("turned", "profile")):
            assert tags["ProfileDescription"], name
        if name.startswith("turned"):
            assert tags["Make"] == "a camera"
