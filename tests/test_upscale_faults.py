"""Nothing stops a folder, and nothing is lost without a word: odd pictures, odd names, a full disk."""

import io
import os
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tifffile

from srnet.images.write import encode
from tests import forked
from tests.images.test_metadata import FULL
from tests.pictures import png_chunk

SMOOTH = np.clip(np.add.outer(np.arange(24), np.arange(32))[..., None] * 4 + (0, 20, 40), 0, 255).astype(np.uint8)


def _upscale(*arguments, **options):
    return forked.run("srnet.upscale", *arguments, **options)


_RAISES = """if True:
    import types
    import numpy as np
    from srnet import upscale

    def enlarge_file(job, *_, **__):
        if job.source.name == "b.png":
            raise KeyError("odd\\nthing")
        if job.source.name == "c.png":
            raise MemoryError
        return types.SimpleNamespace(job=job, picture=types.SimpleNamespace(pixels=np.zeros(1)))

    upscale.enlarge_file = enlarge_file
    upscale.write_file = lambda enlarged, *_: f"{enlarged.job.source} done"
    upscale.run()
"""


_RECORDS = """if True:
    from srnet import upscale

    def upscalers_of(networks, **options):
        print(sorted(options.items()))
        raise SystemExit(0)

    upscale.upscalers_of = upscalers_of
    upscale.run()
"""


def test_flags_reach_the_upscaler(tmp_path):
    (tmp_path / "a.png").touch()
    flags = ("--network=full", "--tile=8", "--self_ensemble", "--precision=mixed_bfloat16")
    command = [sys.executable, "-c", _RECORDS, tmp_path / "a.png", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[('precision', 'mixed_bfloat16'), ('self_ensemble', True), ('tile', 8)]\n"


@pytest.mark.parametrize("debug", [False, True])
def test_any_exception_is_one_line_of_its_file(tmp_path, debug):
    for name in "abcd":
        (tmp_path / f"{name}.png").touch()
    environment = {**os.environ, "SRNET_DEBUG": "1"} if debug else os.environ
    command = [sys.executable, "-c", _RAISES, tmp_path, f"--output={tmp_path / 'out'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"{tmp_path / name}.png done" for name in "ad"]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [
        f"error: {tmp_path / 'b.png'}: KeyError ('odd\\nthing'); SRNET_DEBUG=1 shows where",
        f"error: {tmp_path / 'c.png'}: MemoryError (MemoryError); SRNET_DEBUG=1 shows where",
    ]
    assert done.stderr.count("Traceback") == (2 if debug else 0)
    assert debug or len(done.stderr.splitlines()) == 2


NAMES = ("n" * 236, "n" * 251, "写" * 83, "e\u0301" * 80)


def test_odd_pictures_and_names_in_one_folder(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    picture = PIL.Image.fromarray(SMOOTH)
    for name in NAMES:
        picture.save(photos / f"{name}.png")
    tifffile.imwrite(
        photos / "big.tif", SMOOTH, bigtiff=True, photometric="rgb", resolution=(300, 300), resolutionunit=2
    )
    (photos / "full.tga").touch()
    (photos / "full.png").write_bytes(encode(FULL, "PNG"))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    (photos / "cut.jpg").write_bytes(file.getvalue()[:-2])
    for name in ("a.dng", "b.jxl", "notes.txt"):
        (photos / name).touch()
    values = np.linspace(0, 1023, 24 * 32).astype(">u2").tobytes()
    (photos / "deep.pgm").write_bytes(b"P5 32 24 1023\n" + values)
    done = _upscale(photos, f"--output={out}", "--scale=2", "--preview")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{photos}: skipped a.dng, b.jxl; unsupported formats",
        f"{photos / 'cut.jpg'}: the end of the file is missing; the last rows may be damaged",
        f"error: {photos / 'full.tga'}: not a picture in a format that can be read",
    ]
    made = {path.name for path in out.iterdir()}
    names = {f"{name}.png" for name in NAMES} | {"big.tif", "full.png", "cut.jpg", "deep.pgm"}
    assert names <= made and len(made) == 2 * len(names)
    assert all(len(os.fsencode(name)) <= 255 for name in made)
    assert {name for name in made - names if not name.endswith(".preview.png")} == set()
    listed = PIL.Image.open(out / "full.png")
    assert listed.info["icc_profile"] == FULL.metadata.icc and listed.text["Title"] == "A view"


def test_what_a_format_cannot_hold_is_said_before_the_work(tmp_path):
    (tmp_path / "full.png").write_bytes(encode(FULL, "PNG"))
    done = _upscale(tmp_path / "full.png", f"--output={tmp_path / 'large.tga'}", "--scale=2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"{tmp_path / 'large.tga'}: TGA cannot hold the color profile; converted to sRGB",
        f"{tmp_path / 'large.tga'}: TGA cannot hold EXIF, XMP, IPTC, the resolution, the comment, text; left out",
    ]
    PIL.Image.new("L", (9000, 1)).save(tmp_path / "long.png")
    code = "import sys; sys.modules['tensorflow'] = None; from srnet import upscale; upscale.run()"
    command = [sys.executable, "-c", code, tmp_path / "long.png", f"--output={tmp_path / 'long.webp'}", "--scale=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == (
        f"error: {tmp_path / 'long.png'}: {tmp_path / 'long.webp'}: "
        "WEBP cannot hold 18000x2 pixels, only up to 16383 a side; use .png\n"
    )


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "none", folder], check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp", "16.png", "16.tif", "exif.png"])
def test_a_full_disk_says_so(small_disk, kind):
    code = f"""if True:
        import sys
        import numpy as np
        from srnet.errors import DataError
        from srnet.images.metadata import Metadata
        from srnet.images.picture import Picture
        from srnet.images.write import write_picture
        dtype = np.uint16 if "16" in {kind!r} else np.uint8
        pixels = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype)
        metadata = Metadata(xmp=b"x" * 400000 if "exif" in {kind!r} else None)
        try:
            write_picture({str(small_disk)!r} + "/x.{kind}", Picture(pixels, "RGB", metadata=metadata))
        except DataError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{small_disk / 'x'}.{kind}: cannot be written (No space left on device)\n", done.stderr
    assert done.stderr == "" and list(small_disk.iterdir()) == []


def test_chunks_that_are_damaged_are_no_reason_to_stop(tmp_path):
    data, broken = encode(FULL, "PNG"), png_chunk(b"tEXt", b"Comment\0hello", broken=True)
    (tmp_path / "x.png").write_bytes(data[:33] + broken + data[33:])
    done = _upscale(tmp_path / "x.png", f"--output={tmp_path / 'y.png'}", "--size=40x30")
    assert done.returncode == 0 and done.stderr == f"{tmp_path / 'x.png'}: damaged metadata is left out\n"
