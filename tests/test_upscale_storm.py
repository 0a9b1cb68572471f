"""Two thousand mutated pictures and metadata blocks in folders: each ends as a result or as one line."""

import dataclasses
import io
import struct
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from srnet.images import jpeg, png
from srnet.images.file_formats import HOLDS
from srnet.images.metadata import Metadata
from srnet.images.picture import Picture
from srnet.images.write import encode
from tests.images.test_metadata import FULL
from tests.pictures import png_chunk

FOLDERS, FILES = 4, 500
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "WEBP": "webp", "AVIF": "avif", "JPEG2000": "jp2"}
SUFFIXES |= {"TGA": "tga", "BMP": "bmp", "PPM": "ppm", "GIF": "gif", "QOI": "qoi", "PCX": "pcx", "SGI": "sgi"}

TEXT = b"Comment\0\1\0\0\0\0abc"
COLORS = {
    b"gAMA": struct.pack(">I", 100000),
    b"cHRM": struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
    b"cICP": bytes([12, 13, 0, 1]),
    b"sRGB": b"\0",
}


def _originals():
    """Small pictures of every format, depth and kind, with all the metadata that the format holds: (suffix, bytes)."""
    random = np.random.default_rng(0)
    for kind, suffix in SUFFIXES.items():
        pixels = random.integers(0, 256, (10, 12, 3), np.uint8)
        if kind in HOLDS:
            yield suffix, encode(dataclasses.replace(FULL, pixels=pixels), kind)
        else:
            file = io.BytesIO()
            PIL.Image.fromarray(pixels).save(file, kind)
            yield suffix, file.getvalue()
    for kind, dtype in (
        ("PNG", "uint16"),
        ("TIFF", "uint16"),
        ("TIFF", "float32"),
        ("PPM", "uint16"),
        ("PPM", "float32"),
    ):
        pixels = random.uniform(0, 1 if dtype == "float32" else 65535, (10, 12, 3)).astype(dtype)
        metadata = FULL.metadata if kind != "PPM" else Metadata()
        yield SUFFIXES[kind], encode(Picture(pixels, "RGB", metadata=metadata), kind)
    for kind, mode in (("PNG", "RGBA"), ("TIFF", "LA"), ("WEBP", "RGBA"), ("JPEG", "CMYK"), ("JPEG", "L")):
        channels = len(mode)
        pixels = random.integers(0, 256, (10, 12, channels) if channels > 1 else (10, 12), np.uint8)
        metadata = dataclasses.replace(FULL.metadata, icc=None)
        yield SUFFIXES[kind], encode(Picture(pixels, mode, metadata=metadata), kind)


def _mutated(data, random):
    """Some bytes changed, most of them near the beginning; sometimes a piece is cut out, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(random.integers(1, 9)):
        place = random.integers(0, min(len(changed), 10 ** random.integers(1, 6)))
        changed[place] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(0, 256)])
    kind = random.integers(0, 8)
    start, stop = sorted(random.integers(0, len(changed) + 1, 2))
    if kind == 0:
        del changed[start:stop]
    elif kind == 1:
        changed[start:start] = changed[start : min(stop, start + 1000)]
    elif kind == 2:
        del changed[max(start, 4) :]
    return bytes(changed)


def _with_mutated_metadata(random):
    """A sound PNG or JPEG, one block of whose metadata is mutated, with right lengths and checksums."""
    name = random.choice(["exif", "icc", "xmp", "iptc", "png_colors", "text"])
    block = getattr(FULL.metadata, name)
    if isinstance(block, tuple):
        kinds = COLORS if name == "png_colors" else dict.fromkeys((b"tEXt", b"zTXt", b"iTXt", b"tIME"), TEXT)
        kind, sound = list(kinds.items())[random.integers(4)]
        block = ((kind, _mutated(sound, random)),)
    else:
        block = _mutated(block, random)
    metadata = dataclasses.replace(FULL.metadata, exif=None, **{name: block}) if name != "exif" else FULL.metadata
    exif = block if name == "exif" else None
    plain = Picture(FULL.pixels, "RGB")
    if random.integers(2) and name not in ("png_colors", "text"):
        return "jpg", jpeg.spliced(encode(plain, "JPEG"), jpeg.file_head(metadata, exif))
    data = encode(plain, "PNG")
    if random.integers(4) == 0:  # a chunk of another kind altogether
        kind = bytes(random.choice([b"iCCP", b"pHYs", b"eXIf", b"iTXt"]))
        chunk = png_chunk(kind, random.bytes(random.integers(0, 60)))
        return "png", data[:33] + chunk + data[33:]
    return "png", png.spliced(data, png.file_head(metadata, exif))


@pytest.mark.slow
@pytest.mark.parametrize("folder", range(FOLDERS))
def test_every_file_is_a_result_or_a_line(tmp_path, folder):
    random = np.random.default_rng(folder)
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    originals = list(_originals())
    names = []
    for number in range(FILES):
        if number % 3:
            suffix, data = originals[random.integers(len(originals))]
            data = _mutated(data, random)
        else:
            suffix, data = _with_mutated_metadata(random)
        # A wrong suffix now and then; some results in formats that hold less.
        suffix = random.choice(list(SUFFIXES.values())) if random.integers(6) == 0 else suffix
        names.append(f"{number:04}.{suffix}")
        (photos / names[-1]).write_bytes(data)
    command = [sys.executable, "-m", "srnet.upscale", photos, f"--output={out}", "--scale=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    made = {path.stem for path in out.iterdir()}
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line for line in done.stderr.splitlines() if not line.startswith((str(photos), str(out), "error: "))] == []
    assert [line for line in errors if "shows where" in line] == []  # none is a surprise
    for name in names:
        lines = [line for line in errors if line.startswith(f"error: {photos / name}: ")]
        assert len(lines) == (name[:4] not in made), name
    assert len(made) + len(errors) == FILES and min(len(made), len(errors)) > FILES / 8
