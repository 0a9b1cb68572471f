"""ExifTool's listing before and after, of five source and six target formats: the table in docs/enlarging.md.

python -m tests.images.test_exiftool prints the table.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from srnet.images.file_formats import fit_to_format, output_format
from srnet.images.read import read_picture
from srnet.images.write import write_picture
from tests.pictures import SRGB

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "enlarging.md"
NAMES = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WebP", "avif": "AVIF", "jp2": "JPEG 2000"}
SOURCES = ("jpg", "png", "tif", "webp", "avif")

EXIF = {
    "IFD0": "ImageDescription=A view;Make=Maker;Model=M1;Software=S 1;ModifyDate=2020:01:02 03:04:05;Artist=Me;"
    "Copyright=C Me;DocumentName=doc;HostComputer=box;PageName=p1;XPTitle=Titel;XPComment=Kommentar;XPAuthor=Ich;"
    "XPKeywords=eins;XPSubject=Thema;Rating=4;RatingPercent=75;ProcessingSoftware=ps;ImageHistory=hist;"
    "SecurityClassification=T;ImageNumber=12;CameraSerialNumber=123;UniqueCameraModel=ucm;OwnerName=own;"
    "XResolution=300;YResolution=300;ResolutionUnit=2",
    "ExifIFD": "DateTimeOriginal=2020:01:02 03:04:05;OffsetTime=+02:00;ExposureTime=0.004;FNumber=2.8;ISO=400;"
    "ExposureCompensation=-0.7;BrightnessValue=-1.5;FocalLength=35;LensModel=L 35;SubjectArea=10 20 30 40;"
    "UserComment=Hello;ImageUniqueID=0123456789abcdef0123456789abcdef;ColorSpace=1;Flash=16;Gamma=2.2",
    "GPS": "GPSLatitude=48.1;GPSLatitudeRef=N;GPSLongitude=11.5;GPSLongitudeRef=E;GPSAltitude=512.5;GPSAltitudeRef=0;"
    "GPSDateStamp=2020:01:02;GPSImgDirection=120.5",
    "InteropIFD": "InteropIndex=R98",
}
OTHERS = {
    "XMP-dc": "Title=A title;Subject=one",
    "XMP-xmp": "Label=Red;Rating=4",
    "IPTC": "Headline=News;City=Paris;Keywords=two",
}
# ExifTool's groups of what describes a picture, and what this page calls it; all other groups are of the file's layout.
GROUPS = {"IFD0": "EXIF", "ExifIFD": "EXIF", "GPS": "EXIF", "InteropIFD": "EXIF", "IPTC": "IPTC", "PNG": "text"}
# No description of the picture, but of the file.
LAYOUT = frozenset(
    tag
    for line in (
        "ImageWidth ImageHeight BitsPerSample Compression PhotometricInterpretation StripOffsets SamplesPerPixel",
        "RowsPerStrip StripByteCounts PlanarConfiguration Predictor SampleFormat YCbCrPositioning ExifImageWidth",
        "ExifImageHeight BitDepth ColorType Filter Interlace SubfileType Orientation ComponentsConfiguration",
        "YCbCrSubSampling XMPToolkit ApplicationRecordVersion CodedCharacterSet ExifVersion FlashpixVersion",
        "GPSVersionID InteropVersion Datecreate Datemodify ExifByteOrder ProfileName",
    )
    for tag in line.split()
)


def _exiftool(*arguments):
    return subprocess.run(["exiftool", *map(str, arguments)], capture_output=True, text=True, check=False).stdout


def make_source(folder, suffix):
    """A small picture with all that ExifTool can write into its format."""
    path = folder / f"source.{suffix}"
    y, x = np.mgrid[:24, :32]
    pixels = np.stack([4 * x, 8 * y, 4 * x + 4 * y], axis=-1).clip(0, 255).astype(np.uint8)
    said = {"png": {"dpi": (300, 300)}, "jpg": {"dpi": (300, 300)}, "tif": {"dpi": (300, 300)}}.get(suffix, {})
    PIL.Image.fromarray(pixels).save(path, icc_profile=SRGB, **said)
    tags = [f"-{group}:{tag}" for group, listed in {**EXIF, **OTHERS}.items() for tag in listed.split(";")]
    comment = {"jpg": ["-Comment=nice"], "png": ["-PNG:Title=A title", "-PNG:Comment=nice"]}.get(suffix, [])
    _exiftool("-q", "-m", "-n", "-overwrite_original", *tags, *comment, path)
    return path


def listing(path):
    """What ExifTool lists: dict from (kind, tag) to the value."""
    listed = {}
    for name, value in json.loads(_exiftool("-j", "-n", "-a", "-G1", path))[0].items():
        group, _, tag = name.rpartition(":")
        if group.startswith("ICC"):
            listed["color profile", tag] = value
        elif group.startswith("XMP"):
            listed["XMP", tag] = value
        elif tag == "Comment" and group in ("File", "PNG"):
            listed["comment", tag] = value
        elif tag in ("XResolution", "PixelsPerUnitX", "CaptureXResolution", "DisplayXResolution"):
            listed["resolution", ""] = round(value / (39.37008 if tag == "PixelsPerUnitX" else 1))
        elif group in GROUPS and tag not in LAYOUT and "Resolution" not in tag:
            listed[GROUPS[group], tag] = value
    return {key: value for key, value in listed.items() if key[1] not in LAYOUT}


def lost(folder, source, target):
    """The kinds of what a target format lost, and what it changed."""
    before = listing(source)
    picture = read_picture(source)
    picture, _ = fit_to_format(
        dataclasses.replace(picture, pixels=picture.pixels.repeat(2, 0).repeat(2, 1)), output_format(f"x.{target}")
    )
    path = folder / f"{source.suffix[1:]}_as.{target}"
    write_picture(path, picture)
    after = listing(path)
    missing = {kind for kind, tag in before if (kind, tag) not in after}
    changed = {key: (before[key], after[key]) for key in before if key in after and before[key] != after[key]}
    whole = {kind for kind in missing if not any(other == kind for other, _ in after)}
    return missing, whole, changed


def table(folder):
    """The lines of the table."""
    order = ("IPTC", "comment", "text")
    lines = ["| from | " + " | ".join(NAMES.values()) + " |", "| --- " * (len(NAMES) + 1) + "|"]
    for source in SOURCES:
        path = make_source(folder, source)
        cells = []
        for target in NAMES:
            missing, whole, changed = lost(folder, path, target)
            assert missing == whole, (source, target, missing, whole)
            assert not changed, (source, target, changed)
            assert missing <= set(order), (source, target, missing)
            cells.append(", ".join(name for name in order if name in missing) or "nothing")
        lines.append(f"| {NAMES[source]} | " + " | ".join(cells) + " |")
    return lines


@pytest.mark.slow
def test_the_table_of_what_is_lost(tmp_path):
    if not shutil.which("exiftool"):
        pytest.skip("needs exiftool")
    page = PAGE.read_text(encoding="utf-8")
    assert "\n".join(table(tmp_path)) in page


def test_sources_say_something(tmp_path):
    if not shutil.which("exiftool"):
        pytest.skip("needs exiftool")
    for source in SOURCES:
        listed = listing(make_source(tmp_path, source))
        kinds = {kind for kind, _ in listed}
        assert kinds >= {"EXIF", "XMP", "color profile", "resolution"}, (source, kinds)
        assert len([key for key in listed if key[0] == "EXIF"]) >= 45, (source, sorted(listed))
        assert ("IPTC" in kinds) == (source in ("jpg", "png", "tif"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write("\n".join(table(pathlib.Path(made))) + "\n")
