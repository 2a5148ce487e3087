"""A figure as a small SVG file that says what it shows, and the same on every machine.

Texts are laid out with the font that comes with matplotlib. A browser may lack it, so each text carries its length, and
one that is as wide comes next. Numbers have one decimal; styles stand once, at the group that shares them; pictures are
JPEG at the size that they have.
"""

import base64
import io
import re
import warnings
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from PIL import Image

FONT = "DejaVu Sans"
FAMILY = f"'{FONT}', Verdana, sans-serif"  # Verdana, of most other systems, is as wide
QUALITY = 88  # of pictures, as libjpeg counts
SHORTEST = 3  # letters of a text that carries its length
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
INHERITED = (
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-dashoffset"),
    *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "font-size", "font-weight", "font-style"),
    *("text-anchor", "clip-path"),
)
NUMERIC = {"d", "x", "y", "width", "height", "transform", "stroke-width", "stroke-dasharray"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
REFERENCE = re.compile(r"(?<=^#).+|(?<=^url\(#)[^)]+")
DRAWN_FROM = re.compile(rb"<metadata>drawn from (\w+)</metadata>")


def text_of(figure: Figure, drawn_from: str = "") -> bytes:
    """Return a figure as SVG and close it.

    Its title is the figure's, its description that and the figure's label. ``drawn_from`` is a digest of what it was
    drawn from; :func:`drawn_from` returns it.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a browser has other fonts too
        figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    root = _small(ElementTree.fromstring(file.getvalue()))
    title = " ".join(figure.get_suptitle().split())
    words = {"title": title, "desc": f"{title}. {figure.get_label()}".removeprefix(". ")}
    words |= {"metadata": f"drawn from {drawn_from}"} if drawn_from else {}
    for place, (name, text) in enumerate(words.items()):
        element = ElementTree.Element(f"{SVG}{name}")
        element.text, element.tail = text, "\n"
        root.insert(place, element)
    ElementTree.register_namespace("", SVG[1:-1])
    return ElementTree.tostring(root, encoding="utf-8")


def _small(root: ElementTree.Element) -> ElementTree.Element:
    """Return what matplotlib wrote, written more briefly, without its metadata."""
    root.remove(root.find(f"{SVG}metadata"))
    for element in root.iter():
        _plain(element)
    _shorten_groups(root, _references(root))
    _number(root)
    _hoist(root)
    root.attrib |= {"role": "img", "stroke-linejoin": "round", "font-family": FAMILY}
    return root


def drawn_from(path: Path) -> str | None:
    """Return the digest of what a file was drawn from; None if it is not there or carries none."""
    digest = DRAWN_FROM.search(path.read_bytes()) if path.exists() else None
    return digest and digest[1].decode()


def shown(text: str) -> str:
    """Return a text of which every letter can be drawn; others by their number in Unicode: ``U+80BA``."""
    known = get_font(findfont(FONT)).get_charmap()
    return "".join(c if ord(c) in known and c.isprintable() else f"U+{ord(c):04X} " for c in text).strip()


def _plain(element: ElementTree.Element) -> None:
    """Write an element with short numbers, attributes in place of its style, and without what says nothing."""
    style = element.attrib.pop("style", "")
    properties = dict(part.split(":", 1) for part in style.split(";") if ":" in part)
    element.attrib |= {name.strip(): value.strip() for name, value in properties.items()}
    element.attrib.pop("font-family", None)
    if f"{XLINK}href" in element.attrib:
        element.set("href", element.attrib.pop(f"{XLINK}href"))
    tag, digits = element.tag.removeprefix(SVG), 1
    if tag == "style":
        element.text = ""
    if tag == "path" and "clip-path" not in element.attrib and "id" in element.attrib:
        digits = 2  # a marker, drawn at many places
    if tag == "image":
        _shrink_picture(element)
    for name in NUMERIC.intersection(element.attrib):
        most = 4 if name == "transform" else digits
        value = NUMBER.sub(lambda number, most=most: _short(number[0], most), element.get(name))
        element.set(name, re.sub(r"\s*([MLCQz])\s*", r"\1", value.replace("\n", " ")).strip())
    if tag == "text":
        _give_length(element)
    for name in [name for name, value in element.attrib.items() if value.startswith("rotate(0 ")]:
        del element.attrib[name]
    element.tail = "\n"  # so a change is a line
    if not (element.text or "").strip():
        element.text = None


def _short(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}".rstrip("0").rstrip(".")
    return {"-0": "0", "": "0"}.get(text, text)


def _give_length(element: ElementTree.Element) -> None:
    """Say how long a text is, so another font draws it as long."""
    text = element.text or ""
    known = get_font(findfont(FONT)).get_charmap()
    if len(text) >= SHORTEST and all(ord(letter) in known for letter in text):
        size = float(element.get("font-size", "10px").removesuffix("px"))
        length = _width(text, element.get("font-weight", "normal")) * size
        element.attrib |= {"textLength": _short(f"{length:f}", 1), "lengthAdjust": "spacingAndGlyphs"}


@lru_cache(maxsize=4096)
def _width(text: str, weight: str) -> float:
    """Return the width of a text of size 1."""
    font = FontProperties(family=FONT, weight=int(weight) if weight.isdigit() else weight, size=100)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 100


def _shrink_picture(element: ElementTree.Element) -> None:
    """Write an opaque picture as JPEG, in grey if it has no colours."""
    picture = Image.open(io.BytesIO(base64.b64decode(element.get("href").partition(",")[2]))).convert("RGBA")
    if picture.getchannel("A").getextrema() != (255, 255):
        return
    red, green, blue, _ = picture.split()
    grey = red.tobytes() == green.tobytes() == blue.tobytes()
    file = io.BytesIO()
    picture.convert("L" if grey else "RGB").save(file, "jpeg", quality=QUALITY, optimize=True)
    element.set("href", f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}")


def _references(root: ElementTree.Element) -> set[str]:
    """Return the ids that something refers to."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    return {name for value in values for name in REFERENCE.findall(value)}


def _shorten_groups(parent: ElementTree.Element, referred: set[str]) -> None:
    """Leave out ids that nothing refers to, empty elements, and groups that group nothing."""
    for child in list(parent):
        _shorten_groups(child, referred)
        if child.get("id") not in referred:
            child.attrib.pop("id", None)
        tag, place = child.tag.removeprefix(SVG), list(parent).index(child)
        if tag in ("g", "defs", "style") and not len(child) and not child.text:
            parent.remove(child)
        elif tag == "g" and not child.attrib:
            parent[place : place + 1] = list(child)


def _number(root: ElementTree.Element) -> None:
    """Name what is referred to by its place in the file: matplotlib's ids hang on the last bits of the layout."""
    numbers: dict[str, str] = {}
    for element in root.iter():
        if name := element.get("id"):
            element.set("id", numbers.setdefault(name, f"n{len(numbers)}"))
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, REFERENCE.sub(lambda found: numbers.get(found[0], found[0]), value))


def _hoist(parent: ElementTree.Element) -> None:
    """Group neighbours that share styles, and write those once, at their group."""
    for child in parent:
        _hoist(child)
    if parent.tag.removeprefix(SVG) == "defs":
        return
    runs: list[tuple[tuple[tuple[str, str], ...], list[ElementTree.Element]]] = []
    for child in parent:
        style = tuple(sorted((name, child.get(name)) for name in INHERITED if name in child.attrib))
        drawn = child.tag.removeprefix(SVG) in ("path", "use", "text")
        if runs and drawn and style and runs[-1][0] == style:
            runs[-1][1].append(child)
        else:
            runs.append((style if drawn else (), [child]))
    parent[:] = [_group(dict(style), children) if len(children) > 1 else children[0] for style, children in runs]


def _group(style: dict[str, str], children: list[ElementTree.Element]) -> ElementTree.Element:
    group = ElementTree.Element(f"{SVG}g", style)
    group.tail = "\n"
    for child in children:
        for name in style:
            del child.attrib[name]
        group.append(child)
    return group
