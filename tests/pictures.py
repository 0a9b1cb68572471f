"""Picture files for tests, made by the definitions of their formats."""

import struct
import zlib

import PIL.ImageCms

SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def png_chunk(kind, data, broken=False):
    """A chunk of a PNG; a broken one has a wrong checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ broken)


def png_file(size, bits, color_type, rows, *chunks):
    """A PNG of (width, height) `size`, whose rows begin with their filter, with further chunks before the pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, color_type, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def png16(pixels):
    """A PNG of uint16 pixels (H, W[, 1 to 4 channels])."""
    height, width, channels = (*pixels.shape, 1)[:3]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png_file((width, height), 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows)
