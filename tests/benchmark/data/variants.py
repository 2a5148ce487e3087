"""Picture files of every kind, made here byte by byte or by a writer other than the reader, and what becomes of each.

``python -m tests.benchmark.data.variants`` prints the table of ``docs/images.md``.
"""

import io
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from benchmark import params
from benchmark.data import pictures, tree
from benchmark.errors import BadInput

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)  # each level once, no symmetry
COLOUR = np.stack([GREY, GREY.T, 255 - GREY], 2)
DEEP = GREY.astype(np.uint16) * 257
ALPHA = np.full((16, 16), 255, np.uint8)
HOLE = ALPHA.copy()
HOLE[3, 3] = 128
SMOOTH = np.add.outer(np.arange(0, 128, 8), np.arange(0, 64, 4)).astype(np.uint8)
SMOOTH_COLOUR = np.stack([SMOOTH, SMOOTH[::-1], 255 - SMOOTH], 2)


@dataclass
class Variant:
    """A file: what it is, how it is written, what it becomes (an array, or words of its refusal), how exactly."""

    kind: str
    name: str
    write: object
    becomes: object
    keys: dict = field(default_factory=dict)
    tolerance: int = 0


def png(colour_type, bits, rows, *chunks):
    """Return a PNG file of rows of bytes, by the specification (ISO/IEC 15948)."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 16, 16, bits, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b""))
    )


def packed(levels, bits):
    """Return rows of levels of fewer than 8 bits as bytes."""
    return [np.packbits((row[:, None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)) for row in levels]


def big(array):
    """Return rows of 16-bit levels, the high byte first."""
    return [row.astype(">u2").tobytes() for row in array.reshape(16, -1)]


def rows(array):
    return [row.tobytes() for row in array.reshape(16, -1)]


def exif(orientation):
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x112, 3, 1, orientation, 0) + b"\0\0\0\0"


UPRIGHT = {  # orientation → how the stored picture is made of the upright one (Exif 2.3, 4.6.4)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, -1),
}


def pillow(array, kind, mode=None, **options):
    image = Image.fromarray(array)
    image = image.convert(mode) if mode else image
    return lambda path: image.save(path, kind, **options)


def frames(kind, **options):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY.T.copy())]
    return lambda path: pages[0].save(path, kind, save_all=True, append_images=pages[1:], **options)


def tiff(array, **options):
    return lambda path: tifffile.imwrite(path, array, **options)


def ink(array):
    """Return CMYK (with black) of colours, and the colours by the usual formula, (255 − C)(255 − K)/255."""
    cmyk = np.dstack([255 - array, np.full((16, 16), 51, np.uint8)])
    return cmyk, np.rint(array.astype(float) * (255 - 51) / 255).astype(np.uint8)


def luminance(array):
    """Return grey by ITU-R BT.601."""
    return np.rint(array @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def linear(array, low, high):
    return np.rint(255 * np.clip((array.astype(float) - low) / (high - low), 0, 1)).astype(np.uint8)


def pnm(kind, most, content):
    return f"{kind} 16 16 {most}\n".encode() + content


def jpeg_2000(array, bits, signed=False):
    """Return how a file is written whose header (the marker SIZ) says that its levels have these bits."""

    def write(path):
        content = io.BytesIO()
        Image.fromarray(array).save(content, "JPEG2000", no_jp2=True)
        changed = bytearray(content.getvalue())
        start = changed.index(b"\xff\x51") + 2 + 38
        channels = array[0, 0].size
        changed[start : start + 3 * channels : 3] = bytes([bits - 1 + 128 * signed]) * channels
        path.write_bytes(changed)

    return write


def jpeg_in_dicom(path):
    """Write a DICOM file that contains a JPEG."""
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    content = io.BytesIO()
    Image.fromarray(SMOOTH_COLOUR).save(content, "JPEG", quality=98, subsampling=0)
    dicom(COLOUR, **RGB | {"PhotometricInterpretation": "YBR_FULL"})(path)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([content.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


def dicom(stored, **changes):
    """Return how a DICOM file of stored levels is written."""
    compress, drop = changes.pop("compress", None), changes.pop("drop", ())

    def write(path):
        from pydicom.dataset import FileDataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        bits = 8 * stored.dtype.itemsize
        known = {
            "PatientID": "P7",
            "PhotometricInterpretation": "MONOCHROME2",
            "SamplesPerPixel": 1,
            "Rows": 16,
            "Columns": 16,
            "BitsAllocated": bits,
            "BitsStored": bits,
            "HighBit": changes.get("BitsStored", bits) - 1,
            "PixelRepresentation": int(stored.dtype.kind == "i"),
        }
        for name, value in (known | changes).items():
            setattr(dataset, name, value)
        dataset.PixelData = stored.tobytes()
        for name in drop:
            delattr(dataset, name)
        if compress:
            from pydicom.uid import RLELossless

            dataset.compress(RLELossless)
        dataset.save_as(path, enforce_file_format=True)

    return write


RGB = {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0}
CT = (GREY.astype(np.int16) * 8) - 24  # stored levels, −24 to 2016
UNITS = CT * 2.0 - 1000  # rescaled
YBR = np.stack([GREY, np.full((16, 16), 128, np.uint8), np.full((16, 16), 128, np.uint8)], 2)
CMYK, FROM_CMYK = ink(SMOOTH_COLOUR)
PALETTE = np.stack([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2], 1).astype(np.uint8)
SEVERAL, THREE, DEPTH = "which of them is meant", {"channels": 3}, {"levels": [0, 65535]}

VARIANTS = [
    Variant("PNG, grey, 1 bit", "a.png", png(0, 1, packed(GREY & 1, 1)), (GREY & 1) * 255),
    Variant("PNG, grey, 2 bits", "a.png", png(0, 2, packed(GREY & 3, 2)), (GREY & 3) * 85),
    Variant("PNG, grey, 4 bits", "a.png", png(0, 4, packed(GREY & 15, 4)), (GREY & 15) * 17),
    Variant("PNG, grey, 8 bits", "a.png", png(0, 8, rows(GREY)), GREY),
    Variant("PNG, grey, 16 bits", "a.png", png(0, 16, big(DEEP)), "which are black and white"),
    Variant("PNG, grey, 16 bits", "a.png", png(0, 16, big(DEEP)), GREY, keys=DEPTH),
    Variant(
        "PNG, grey, 12 bits in 16",
        "a.png",
        png(0, 16, big(DEEP >> 4)),
        linear(DEEP >> 4, 0, 4095),
        keys={"levels": [0, 4095]},
    ),
    Variant(
        "PNG, grey, 16 bits, one level transparent",
        "a.png",
        png(0, 16, big(DEEP), (b"tRNS", b"\0\0")),
        "transparency",
        keys=DEPTH,
    ),
    Variant(
        "PNG, grey, one level transparent", "a.png", png(0, 8, rows(GREY), (b"tRNS", b"\0\x07")), "transparent pixels"
    ),
    Variant("PNG, grey with alpha, opaque", "a.png", png(4, 8, rows(np.dstack([GREY, ALPHA]))), GREY),
    Variant(
        "PNG, grey with alpha, not opaque", "a.png", png(4, 8, rows(np.dstack([GREY, HOLE]))), "transparent pixels"
    ),
    Variant("PNG, grey with alpha, 16 bits", "a.png", png(4, 16, big(np.dstack([DEEP, DEEP]))), "more than 8 bits"),
    Variant("PNG, RGB", "a.png", png(2, 8, rows(COLOUR)), COLOUR, keys=THREE),
    Variant("PNG, RGB", "a.png", png(2, 8, rows(COLOUR)), luminance(COLOUR), keys={"channels": 1}, tolerance=1),
    Variant("PNG, RGB", "a.png", png(2, 8, rows(COLOUR)), "it has colours"),
    Variant("PNG, RGB, all grey", "a.png", png(2, 8, rows(np.dstack([GREY] * 3))), GREY),
    Variant("PNG, RGB, 16 bits", "a.png", png(2, 16, big(np.dstack([DEEP] * 3))), "more than 8 bits"),
    Variant(
        "PNG, RGB, one colour transparent",
        "a.png",
        png(2, 8, rows(COLOUR), (b"tRNS", b"\0\0\0\0\0\xff")),
        "transparent pixels",
        keys=THREE,
    ),
    Variant("PNG, RGBA, opaque", "a.png", png(6, 8, rows(np.dstack([COLOUR, ALPHA]))), COLOUR, keys=THREE),
    Variant(
        "PNG, RGBA, not opaque", "a.png", png(6, 8, rows(np.dstack([COLOUR, HOLE]))), "transparent pixels", keys=THREE
    ),
    Variant("PNG, RGBA, 16 bits", "a.png", png(6, 16, big(np.dstack([DEEP] * 4))), "more than 8 bits", keys=THREE),
    Variant("PNG, palette", "a.png", png(3, 8, rows(GREY), (b"PLTE", PALETTE.tobytes())), PALETTE[GREY], keys=THREE),
    Variant(
        "PNG, palette, 4 bits",
        "a.png",
        png(3, 4, packed(GREY & 15, 4), (b"PLTE", PALETTE[:16].tobytes())),
        PALETTE[GREY & 15],
        keys=THREE,
    ),
    Variant(
        "PNG, palette, a colour in use transparent",
        "a.png",
        png(3, 8, rows(GREY), (b"PLTE", PALETTE.tobytes()), (b"tRNS", b"\xff\0")),
        "transparent pixels",
        keys=THREE,
    ),
    Variant(
        "PNG, palette, an unused colour transparent",
        "a.png",
        png(3, 8, rows(GREY & 15), (b"PLTE", PALETTE.tobytes()), (b"tRNS", b"\xff" * 16 + b"\0")),
        PALETTE[GREY & 15],
        keys=THREE,
    ),
    *(
        Variant(
            f"PNG, Exif orientation {turn}",
            "a.png",
            png(0, 8, rows(np.ascontiguousarray(stored(GREY))), (b"eXIf", exif(turn))),
            GREY,
        )
        for turn, stored in UPRIGHT.items()
    ),
    Variant("PNG, animated", "a.png", frames("PNG"), SEVERAL),
    Variant("PNG, cut off", "a.png", png(0, 8, rows(GREY))[:80], "cannot be read"),
    Variant("PNG named .jpg", "a.jpg", png(0, 8, rows(GREY)), GREY),
    Variant("PNG named .dcm", "a.dcm", png(0, 8, rows(GREY)), GREY),
    Variant("PNG without a suffix", "a", png(0, 8, rows(GREY)), GREY),
    Variant("PNG with a suffix of its own", "a.image-7", png(0, 8, rows(GREY)), GREY),
    Variant("PNG, name in capitals", "A.PNG", png(0, 8, rows(GREY)), GREY),
    Variant("JPEG, grey", "a.jpg", pillow(SMOOTH, "JPEG", quality=98), SMOOTH, tolerance=3),
    Variant(
        "JPEG, RGB",
        "a.jpg",
        pillow(SMOOTH_COLOUR, "JPEG", quality=98, subsampling=0),
        SMOOTH_COLOUR,
        keys=THREE,
        tolerance=5,
    ),
    Variant("JPEG, RGB, all grey", "a.jpg", pillow(np.dstack([SMOOTH] * 3), "JPEG", quality=98), SMOOTH, tolerance=3),
    Variant(
        "JPEG, CMYK",
        "a.jpg",
        lambda path: Image.frombytes("CMYK", (16, 16), CMYK.tobytes()).save(path, "JPEG", quality=98),
        FROM_CMYK,
        keys=THREE,
        tolerance=8,
    ),
    Variant("JPEG, progressive", "a.jpeg", pillow(SMOOTH, "JPEG", quality=98, progressive=True), SMOOTH, tolerance=3),
    Variant("JPEG named .jfif", "a.jfif", pillow(SMOOTH, "JPEG", quality=98), SMOOTH, tolerance=3),
    Variant(
        "JPEG, Exif orientation 6",
        "a.jpg",
        pillow(np.rot90(SMOOTH).copy(), "JPEG", quality=98, exif=b"Exif\0\0" + exif(6)),
        SMOOTH,
        tolerance=3,
    ),
    Variant(
        "MPO, a photo with a second view",
        "a.jpg",
        lambda path: Image.fromarray(SMOOTH).save(
            path, "MPO", save_all=True, quality=98, append_images=[Image.fromarray(GREY)]
        ),
        SMOOTH,
        tolerance=3,
    ),
    Variant("JPEG 2000, grey, lossless", "a.jp2", pillow(GREY, "JPEG2000", irreversible=False), GREY),
    Variant("JPEG 2000, grey, 16 bits", "a.jp2", pillow(DEEP, "JPEG2000", irreversible=False), GREY, keys=DEPTH),
    *(
        Variant(
            f"JPEG 2000, grey, {kind}",
            "a.j2k",
            jpeg_2000(array, bits, "signed" in kind),
            f"JPEG 2000 with {'signed ' if 'signed' in kind else ''}levels of {bits} bits, which Pillow shifts",
            keys=DEPTH if bits > 8 else {},
        )
        for kind, array, bits in (
            *(("6 bits", GREY, 6), ("signed 8 bits", GREY, 8)),
            *(("10 bits", DEEP, 10), ("12 bits", DEEP, 12), ("signed 16 bits", DEEP, 16)),
        )
    ),
    Variant("JPEG 2000, RGB, lossless", "a.jp2", pillow(COLOUR, "JPEG2000", irreversible=False), COLOUR, keys=THREE),
    Variant("JPEG 2000, RGB, 16 bits", "a.j2k", jpeg_2000(COLOUR, 16), "more than 8 bits", keys=THREE),
    Variant("SGI, RGB", "a.rgb", pillow(COLOUR, "SGI"), COLOUR, keys=THREE),
    Variant("SGI, RGB, 16 bits", "a.rgb", pillow(COLOUR, "SGI", bpc=2), "more than 8 bits", keys=THREE),
    Variant("WebP, lossless", "a.webp", pillow(COLOUR, "WEBP", lossless=True), COLOUR, keys=THREE),
    Variant("WebP, animated", "a.webp", frames("WEBP"), SEVERAL),
    Variant("GIF", "a.gif", pillow(GREY, "GIF"), GREY),
    Variant("GIF, animated", "a.gif", frames("GIF"), SEVERAL),
    Variant("GIF, a colour in use transparent", "a.gif", pillow(GREY, "GIF", transparency=7), "transparent pixels"),
    Variant("BMP, palette", "a.bmp", pillow(GREY, "BMP"), GREY),
    Variant("BMP, RGB", "a.bmp", pillow(COLOUR, "BMP"), COLOUR, keys=THREE),
    Variant("BMP, 1 bit", "a.bmp", pillow((GREY & 1) * 255, "BMP", "1"), (GREY & 1) * 255),
    Variant("TGA", "a.tga", pillow(COLOUR, "TGA"), COLOUR, keys=THREE),
    Variant("PCX", "a.pcx", pillow(COLOUR, "PCX"), COLOUR, keys=THREE),
    Variant("PGM, plain", "a.pgm", pnm("P2", 255, " ".join(map(str, GREY.ravel())).encode()), GREY),
    Variant("PGM", "a.pgm", pnm("P5", 255, GREY.tobytes()), GREY),
    Variant("PGM, 16 bits", "a.pgm", pnm("P5", 65535, b"".join(big(DEEP))), GREY, keys=DEPTH),
    *(
        Variant(f"{kind}, 12 bits in 16", "a.pgm", pnm(magic, 4095, content), "levels up to 4095, which", keys=DEPTH)
        for kind, magic, content in (
            ("PGM, plain", "P2", " ".join(map(str, (DEEP >> 4).ravel())).encode()),
            ("PGM", "P5", b"".join(big(DEEP >> 4))),
        )
    ),
    Variant("PPM", "a.ppm", pnm("P6", 255, COLOUR.tobytes()), COLOUR, keys=THREE),
    Variant(
        "PPM, 16 bits", "a.ppm", pnm("P6", 65535, b"".join(big(np.dstack([DEEP] * 3)))), "more than 8 bits", keys=THREE
    ),
    Variant("TIFF, grey", "a.tif", tiff(GREY, photometric="minisblack"), GREY),
    Variant("TIFF, grey, white is zero", "a.tif", tiff(255 - GREY, photometric="miniswhite"), GREY),
    Variant("TIFF, grey, 16 bits", "a.tiff", tiff(DEEP, photometric="minisblack"), GREY, keys=DEPTH),
    Variant(
        "TIFF, grey, 16 bits, big-endian",
        "a.tif",
        tiff(DEEP, photometric="minisblack", byteorder=">"),
        GREY,
        keys=DEPTH,
    ),
    Variant("TIFF, grey, 16 bits", "a.tif", tiff(DEEP, photometric="minisblack"), "which are black and white"),
    Variant(
        "TIFF, grey, 16 bits, white is zero", "a.tif", tiff(DEEP, photometric="miniswhite"), "white is zero", keys=DEPTH
    ),
    Variant("TIFF, grey, signed 8 bits", "a.tif", tiff(GREY.view(np.int8), photometric="minisblack"), "signed 8-bit"),
    Variant(
        "TIFF, grey, signed 16 bits",
        "a.tif",
        tiff(CT, photometric="minisblack"),
        linear(CT, -100, 1000),
        keys={"levels": [-100, 1000]},
    ),
    Variant("TIFF, grey, 32 bits", "a.tif", tiff(DEEP.astype(np.int32), photometric="minisblack"), GREY, keys=DEPTH),
    Variant(
        "TIFF, grey, float",
        "a.tif",
        tiff((GREY / 255).astype(np.float32), photometric="minisblack"),
        GREY,
        keys={"levels": [0, 1]},
    ),
    Variant(
        "TIFF, grey, float",
        "a.tif",
        tiff((GREY / 255).astype(np.float32), photometric="minisblack"),
        "which are black and white",
    ),
    Variant(
        "TIFF, grey, float with NaN",
        "a.tif",
        tiff(np.full((16, 16), np.nan, np.float32), photometric="minisblack"),
        "no numbers",
        keys={"levels": [0, 1]},
    ),
    Variant("TIFF, RGB", "a.tif", tiff(COLOUR, photometric="rgb"), COLOUR, keys=THREE),
    Variant(
        "TIFF, RGB, planes apart",
        "a.tif",
        tiff(COLOUR.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"),
        COLOUR,
        keys=THREE,
    ),
    Variant(
        "TIFF, RGB, 16 bits", "a.tif", tiff(np.dstack([DEEP] * 3), photometric="rgb"), "more than 8 bits", keys=THREE
    ),
    Variant(
        "TIFF, RGBA, opaque",
        "a.tif",
        tiff(np.dstack([COLOUR, ALPHA]), photometric="rgb", extrasamples=["unassalpha"]),
        COLOUR,
        keys=THREE,
    ),
    Variant(
        "TIFF, RGBA, not opaque",
        "a.tif",
        tiff(np.dstack([COLOUR, HOLE]), photometric="rgb", extrasamples=["unassalpha"]),
        "transparent pixels",
        keys=THREE,
    ),
    Variant("TIFF, CMYK", "a.tif", tiff(CMYK, photometric="separated"), FROM_CMYK, keys=THREE, tolerance=1),
    Variant(
        "TIFF, palette",
        "a.tif",
        tiff(GREY, photometric="palette", colormap=PALETTE.T.astype(np.uint16) * 257),
        PALETTE[GREY],
        keys=THREE,
    ),
    Variant("TIFF, tiled", "a.tif", tiff(GREY, photometric="minisblack", tile=(16, 16)), GREY),
    Variant("BigTIFF", "a.tif", tiff(GREY, photometric="minisblack", bigtiff=True), GREY),
    Variant("TIFF, LZW", "a.tif", pillow(GREY, "TIFF", compression="tiff_lzw"), GREY),
    Variant("TIFF, 1 bit", "a.tif", pillow((GREY & 1) * 255, "TIFF", "1", compression="group4"), (GREY & 1) * 255),
    Variant(
        "TIFF, Exif orientation 6",
        "a.tif",
        tiff(np.rot90(GREY).copy(), photometric="minisblack", extratags=[(274, 3, 1, 6, True)]),
        GREY,
    ),
    Variant("TIFF, two pages", "a.tif", tiff(np.stack([GREY, GREY]), photometric="minisblack"), SEVERAL),
    Variant("TIFF, L*a*b*", "a.tif", tiff(COLOUR, photometric="cielab"), "colours as LAB", keys=THREE),
    Variant("EPS", "a.eps", lambda path: Image.fromarray(GREY).save(path, "EPS"), "is a drawing"),
    Variant(
        "SVG", "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a picture that can be read nor text"
    ),
    Variant(
        "NIfTI, or another format unknown to Pillow",
        "a.nii.gz",
        b"\x1f\x8b\x08\0" * 9,
        "neither a picture that can be read nor text",
    ),
    Variant("text named .png", "a.png", b"no picture", "cannot be read"),
    Variant("an empty file named .jpg", "a.jpg", b"", "cannot be read"),
    Variant("DICOM, 8 bits, no window", "a.dcm", dicom(GREY), GREY),
    Variant(
        "DICOM, 8 bits, rescaled with a negative slope",
        "a.dcm",
        dicom(255 - GREY, RescaleSlope=-2, RescaleIntercept=9),
        GREY,
    ),
    Variant("DICOM, 8 bits, no window", "a.dcm", dicom(GREY), GREY, keys={"levels": [0, 4095]}),
    Variant(
        "DICOM, 8 bits, window",
        "a.dcm",
        dicom(GREY, WindowCenter=64, WindowWidth=128),
        linear(GREY, 0, 127),
        keys={"levels": [0, 4095]},
    ),
    Variant(
        "DICOM, 8 bits, window SIGMOID",
        "a.dcm",
        dicom(GREY, WindowCenter=64, WindowWidth=128, VOILUTFunction="SIGMOID"),
        "function SIGMOID, 128 wide; it must be linear",
    ),
    Variant("DICOM, 8 bits in 16", "a.dcm", dicom(GREY.astype(np.uint16), BitsStored=8), GREY),
    Variant("DICOM, 7 bits", "a.dcm", dicom(GREY >> 1, BitsStored=7), linear(GREY >> 1, 0, 127)),
    Variant("DICOM, signed 8 bits", "a.dcm", dicom((GREY ^ 128).view(np.int8)), GREY),
    Variant("DICOM without a suffix", "IM0001", dicom(GREY), GREY),
    Variant("DICOM, MONOCHROME1", "a.dcm", dicom(255 - GREY, PhotometricInterpretation="MONOCHROME1"), GREY),
    Variant(
        "DICOM, MONOCHROME1",
        "a.dcm",
        dicom(255 - GREY, PhotometricInterpretation="MONOCHROME1"),
        GREY,
        keys={"levels": [0, 4095]},
    ),
    Variant(
        "DICOM, MONOCHROME1, 12 bits",
        "a.dcm",
        dicom(4095 - (DEEP >> 4), BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
        linear(DEEP >> 4, 0, 4095),
        keys={"levels": [0, 4095]},
        tolerance=1,
    ),
    Variant(
        "DICOM, 12 bits, window",
        "a.dcm",
        dicom(DEEP >> 4, BitsStored=12, WindowCenter=2048, WindowWidth=4096),
        linear(DEEP >> 4, 0, 4095),
    ),
    Variant(
        "DICOM, rescaled, window",
        "a.dcm",
        dicom(CT, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=40, WindowWidth=400),
        linear(UNITS, -160, 239),
    ),
    Variant(
        "DICOM, two windows: the first",
        "a.dcm",
        dicom(CT, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[40, 600], WindowWidth=[400, 1500]),
        linear(UNITS, -160, 239),
    ),
    Variant(
        "DICOM, window LINEAR_EXACT",
        "a.dcm",
        dicom(CT, WindowCenter=40, WindowWidth=400, VOILUTFunction="LINEAR_EXACT"),
        linear(CT, -160, 240),
    ),
    Variant(
        "DICOM, window SIGMOID",
        "a.dcm",
        dicom(CT, WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID"),
        "function SIGMOID",
    ),
    Variant("DICOM, 16 bits, no window", "a.dcm", dicom(CT), "it has no window"),
    Variant(
        "DICOM, levels of the source before its window",
        "a.dcm",
        dicom(CT, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=40, WindowWidth=400),
        linear(UNITS, -1000, 1000),
        keys={"levels": [-1000, 1000]},
    ),
    Variant(
        "DICOM, 12 bits in 16, the others in use",
        "a.dcm",
        dicom(DEEP, BitsStored=12, WindowCenter=2048, WindowWidth=4096),
        linear(DEEP & 0xFFF, 0, 4095),
    ),
    Variant("DICOM, RLE", "a.dcm", dicom(GREY, compress=True), GREY),
    Variant("DICOM, JPEG", "a.dcm", jpeg_in_dicom, SMOOTH_COLOUR, keys=THREE, tolerance=5),
    Variant("DICOM, RGB", "a.dcm", dicom(COLOUR, **RGB), COLOUR, keys=THREE),
    Variant(
        "DICOM, RGB, planes apart",
        "a.dcm",
        dicom(COLOUR.transpose(2, 0, 1).copy(), **RGB | {"PlanarConfiguration": 1}),
        COLOUR,
        keys=THREE,
    ),
    Variant(
        "DICOM, YBR_FULL", "a.dcm", dicom(YBR, **RGB | {"PhotometricInterpretation": "YBR_FULL"}), GREY, tolerance=1
    ),
    Variant("DICOM, palette", "a.dcm", dicom(GREY, PhotometricInterpretation="PALETTE COLOR"), "PALETTE COLOR"),
    Variant("DICOM, several frames", "a.dcm", dicom(np.stack([GREY, GREY]), NumberOfFrames=2), "2 frames"),
    Variant("DICOM without an image", "a.dcm", dicom(GREY, drop=["PixelData"]), "DICOM without an image"),
    Variant("text named .dcm", "a.dcm", b"no DICOM", "cannot be read"),
]


def source(**changes):
    known = {"name": "set", "title": "", "licence": "", "path": "set", "obtain": ""}
    return params.Folder(kind="folder", **known | changes)


def result(variant, folder):
    """Write a file and read it; return its pixels, or the one line that refuses it."""
    path = Path(folder, variant.name)
    path.write_bytes(variant.write) if isinstance(variant.write, bytes) else variant.write(path)
    try:
        found = tree.read(Path(folder), [])
        return pictures.read(found.pictures[variant.name], source(**variant.keys), 16)[0]
    except BadInput as error:
        return str(error).replace(f"{folder}/", "")


def line(variant):
    """Return a row of the table of ``docs/images.md``."""
    keys = ", ".join(f"`{name}: {value}`" for name, value in variant.keys.items())
    with tempfile.TemporaryDirectory() as folder:
        found = result(variant, folder)
    if isinstance(found, str):
        return f"| {variant.kind} | {keys} | refused: {found} |"
    wanted = np.asarray(variant.becomes).reshape(found.shape)
    place = (3, 9)
    gap = f" ± {variant.tolerance}" if variant.tolerance else ""
    return f"| {variant.kind} | {keys} | {found[place].tolist()}, as in the file: {wanted[place].tolist()}{gap} |"


def table():
    return "\n".join(["| file | source | becomes |", "| --- | --- | --- |", *map(line, VARIANTS)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
