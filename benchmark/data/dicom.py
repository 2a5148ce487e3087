"""DICOM files as 8-bit images, by ``pydicom``: rescaled, seen through their first window, black as zero."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmark.data.images import windowed
from benchmark.errors import BadInput

SUFFIXES = {".dcm", ".dicom"}
INSTALL = "`pip install pydicom`, or the project with its extra: `pip install .[dicom]`"


def is_dicom(path: Path) -> bool:
    """Whether a regular file is DICOM, by its content."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read(path: Path, levels: tuple[float, float] | None) -> tuple[Image.Image, str]:
    """Return the image (mode L or RGB) and the PatientID of a DICOM file; ValueError says why it cannot be one.

    Grey levels go through the rescaling, then a window, whose ends become 0 and 255: ``levels`` if they have more than
    8 bits, else the file's first window, else all levels that 8 bits can have.
    """
    try:
        import pydicom
    except ImportError:
        raise BadInput(f"{path}: is DICOM, and pydicom, which reads it, is not installed: {INSTALL}") from None
    from pydicom.pixels import pixel_array

    logging.getLogger("pydicom").setLevel(logging.ERROR)  # it warns of what hardly a file does right
    dataset = pydicom.dcmread(path)
    if "PixelData" not in dataset:
        raise ValueError("DICOM without an image")
    if (frames := int(dataset.get("NumberOfFrames") or 1)) > 1:
        raise ValueError(f"it contains {frames} frames, and which of them is meant is not known")
    colours = str(dataset.PhotometricInterpretation)
    if colours in ("MONOCHROME1", "MONOCHROME2"):
        pixels = _grey(dataset, levels)
        pixels = 255 - pixels if colours == "MONOCHROME1" else pixels
    elif colours in ("RGB", "YBR_FULL", "YBR_FULL_422") and dataset.BitsAllocated == 8:
        pixels = pixel_array(dataset)  # RGB, whatever the file has
    else:
        raise ValueError(f"{colours} with {dataset.BitsAllocated} bits; DICOM must be grey, or RGB of 8 bits")
    return Image.fromarray(pixels), str(dataset.get("PatientID") or "")


def _grey(dataset: Any, levels: tuple[float, float] | None) -> np.ndarray:
    """Return grey levels (uint8, H × W) by the modality transform and a window."""
    from pydicom.pixels import apply_modality_lut, pixel_array

    stored = pixel_array(dataset)  # without the bits of a word that are no part of a level
    values = apply_modality_lut(stored, dataset)
    bits = int(dataset.BitsStored)
    if levels is not None and bits > 8:
        return windowed(values, *levels)
    if dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        return windowed(values, *_window(dataset))
    if bits <= 8:
        first = -(1 << bits - 1) if dataset.PixelRepresentation else 0
        whole = apply_modality_lut(np.arange(first, first + (1 << bits)).astype(stored.dtype), dataset)
        return windowed(values, float(whole.min()), float(whole.max()))
    raise ValueError(
        f"it has no window, and levels from {values.min():g} to {values.max():g}; "
        "name those that become black and white by `levels` of the source"
    )


def _window(dataset: Any) -> tuple[float, float]:
    """Return the levels that become black and white by the first window (DICOM PS3.3, C.11.2.1.2)."""
    centre, width = (float(np.atleast_1d(dataset[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if function == "LINEAR" and width > 1:
        return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    if function == "LINEAR_EXACT" and width > 0:
        return centre - width / 2, centre + width / 2
    right = "name two levels by `levels` of the source" if dataset.BitsStored > 8 else "it must be linear"
    raise ValueError(f"a window of function {function}, {width:g} wide; {right}")
