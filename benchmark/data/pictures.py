"""A picture file of any format as a uint8 array: read right, or refused with the reason; never clipped or wrapped.

``docs/images.md`` lists what becomes of each kind of file.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmark import reading
from benchmark.data import dicom
from benchmark.data.images import group_name, padded, windowed
from benchmark.data.resize import resize_one
from benchmark.errors import BadInput
from benchmark.params import Pictures

DRAWINGS = {"EPS", "WMF", "PDF"}  # Pillow hands them to other programs
COLOUR = 16  # levels between two channels: more than what compression leaves in a grey JPEG
UNSIGNED_8, UNSIGNED_16 = 7, 15  # a component of JPEG 2000: its bits less one, and 128 if it is signed
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
Levels = tuple[float, float] | None


def read_all(paths: list[Path], source: Pictures, size: int) -> tuple[np.ndarray, list[str]]:
    """Return pictures (uint8, N × ``size`` × ``size`` × C) and the patient of each, if the source asks for patients.

    :class:`BadInput` names a picture that is not taken, and a size that most of them do not have.
    """
    pixels = np.empty((len(paths), size, size, source.channels or 1), np.uint8)
    longer, patients = np.empty(len(paths), int), [""] * len(paths)
    with warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:  # Pillow decodes outside the interpreter's lock
        warnings.simplefilter("ignore")
        for index, picture in enumerate(pool.map(lambda path: read(path, source, size), paths)):
            pixels[index], longer[index], patients[index] = picture
    if (typical := int(np.median(longer))) < size:
        raise BadInput(
            f"{source.name}: native_size is {size}, and most images are smaller, typically {typical} px at their "
            f"longer side; native_size must be a size that they have, input_size may be larger"
        )
    if source.groups is None:
        return pixels, [""] * len(paths)
    for path, patient in zip(paths, patients, strict=True):
        if not group_name(patient):
            raise BadInput(f"{path}: has no PatientID; with `groups: patient_id` every file must have one")
    return pixels, [group_name(patient) for patient in patients]


def read(path: Path, source: Pictures, size: int) -> tuple[np.ndarray, int, str]:
    """Return a picture (uint8, ``size`` × ``size`` × C), the longer side of its file, and its patient, if it says so.

    :class:`BadInput` names the file and why it is not taken.
    """
    try:
        reading.regular(path, "it must be an image")
        levels = (source.levels[0], source.levels[1]) if source.levels else None
        if dicom.is_dicom(path):
            image, patient = dicom.read(path, levels)
        else:
            image, patient = _read(path, levels), ""
        image = _in_channels(image, source.channels)
        longer = max(image.size)
        if source.resize == "pad" and image.width != image.height:
            square = padded(np.asarray(image).reshape(1, image.height, image.width, -1))
            image = Image.fromarray(square[0].squeeze())
        return resize_one(image, size), longer, patient
    except (BadInput, MemoryError):
        raise
    except Exception as error:  # the decoders of a damaged image raise a dozen kinds
        reason = str(error).replace(f" {str(path)!r}", "")
        raise BadInput(f"{path}: cannot be read ({reason}); it must be a whole, opaque picture, or ignored") from None


def _read(path: Path, levels: Levels) -> Image.Image:
    """Return a file that Pillow reads as an upright image of mode L or RGB; ValueError says why it cannot be one."""
    with Image.open(path) as image:
        _refuse(image)
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith(("I", "F")):
            if image.has_transparency_data:
                raise ValueError(f"mode {image.mode} with transparency")
            return Image.fromarray(_grey(np.asarray(image), levels))
        if image.mode in ("LAB", "HSV"):
            raise ValueError(f"colours as {image.mode}")
        if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
            raise ValueError("it has transparent pixels")
        return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")


def _refuse(image: Image.Image) -> None:
    """Refuse what Pillow would read otherwise than it is meant: by another program, in part, clipped or inverted."""
    if image.format in DRAWINGS:
        raise ValueError(f"{image.format} is a drawing, not an image")
    if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:  # the first of an MPO is the photo
        raise ValueError(f"it contains {frames} images, and which of them is meant is not known")
    deep, tags = image.mode.startswith(("I", "F")), getattr(image, "tag_v2", {})
    if not deep and (_bits(image) > 8 or max(np.atleast_1d(tags.get(TIFF_BITS, 8))) > 8):
        raise ValueError("more than 8 bits a channel, of which Pillow reads 8; save it with 8")
    if not deep and 2 in np.atleast_1d(tags.get(TIFF_SAMPLE_FORMAT, 1)):
        raise ValueError("signed 8-bit levels")
    if deep and tags.get(TIFF_PHOTOMETRIC) == 0:
        raise ValueError("white is zero, with more than 8 bits")
    _refuse_rescaled(image)


def _refuse_rescaled(image: Image.Image) -> None:
    """Refuse levels that Pillow stretches or shifts: ``levels`` of the source would name others than the file's."""
    for _, _, _, stored in image.tile if image.format == "PPM" else ():
        if isinstance(stored, tuple) and 255 < stored[1] < 65535:
            raise ValueError(f"levels up to {stored[1]}, which Pillow stretches to 65535; save it as PNG or TIFF")
    for component in _components(image) if image.format == "JPEG2000" else ():
        if component not in (UNSIGNED_8, UNSIGNED_16):
            kind = f"{'signed ' if component & 0x80 else ''}levels of {(component & 0x7F) + 1} bits"
            raise ValueError(f"JPEG 2000 with {kind}, which Pillow shifts; save it as PNG or TIFF")


def _bits(image: Image.Image) -> int:
    """Return the bits of a channel of a file that has more than 8 of them, else 8; those of TIFF are among its tags."""
    for decoder, _, _, stored in image.tile:
        if decoder == "SGI16" or (image.format == "PNG" and ";16" in str(stored)):
            return 16
        if image.format == "PPM" and isinstance(stored, tuple) and len(stored) > 1 and stored[1] > 255:
            return 16
    if image.format == "JPEG2000":
        return max((component & 0x7F) + 1 for component in _components(image))
    return 8


def _components(image: Image.Image) -> bytes:
    """Return a byte for each component of a JPEG 2000 file, as its header has it (ISO/IEC 15444-1, A.5.1)."""
    image.fp.seek(0)
    _, _, header = image.fp.read(1 << 20).partition(b"\xff\x4f\xff\x51")
    return header[38 : 38 + 3 * int.from_bytes(header[36:38], "big") : 3]


def _grey(levels: np.ndarray, ends: Levels) -> np.ndarray:
    """Return levels of more than 8 bits (H × W) as uint8, if it is said which are black and white."""
    if ends is None:
        raise ValueError(
            f"levels from {levels.min():g} to {levels.max():g}, and it is not said which are black and white; "
            "name them by `levels` of the source, as in [0, 65535]"
        )
    return windowed(levels, *ends)


def _in_channels(image: Image.Image, channels: int | None) -> Image.Image:
    if channels is None and image.mode == "RGB" and _has_colours(np.asarray(image)):
        raise ValueError("it has colours; say `channels: 3` in the source, or 1 to make all grey")
    return image.convert("RGB" if channels == 3 else "L")


def _has_colours(pixels: np.ndarray) -> bool:
    wide = pixels.astype(np.int16)
    return bool((wide.max(2) - wide.min(2)).max() > COLOUR)
