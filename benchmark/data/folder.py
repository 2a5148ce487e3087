"""Sources of kind ``folder``: images of any size in one folder per class, below each part of the source's own split."""

import re
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmark.data import Images, files, pictures, tree
from benchmark.data.images import composed, group_name
from benchmark.data.tree import Tree
from benchmark.errors import BadInput
from benchmark.params import Folder

NAME_OF_PART = re.compile(r"(train(ing)?|val(id(ation)?)?|test(ing)?)([ _-]?(set|data|images))?", re.IGNORECASE)


def load(source: Folder, size: int) -> Images:
    """Return all images below the source's folder at ``size`` × ``size``; :class:`BadInput` if one is left over."""
    top = files.require_folder(source)
    found = tree.read(top, source.ignore)
    parts = _part_folders(source, top, found)
    folders = {part: _class_folders(top, folder, found) for part, folder in parts.items()}
    class_of = _class_of(source, folders)
    classes = list(source.classes) if source.classes else sorted(set(class_of.values()))
    if len(classes) < 2:
        raise BadInput(f"{source.name}: only the class {classes[0]!r}; there must be at least two classes")
    entries: list[tuple[str, int, str]] = []
    groups: list[str] = []
    for part, folders_of_part in folders.items():
        if missing := set(classes) - {class_of[_last(folder)] for folder in folders_of_part}:
            raise BadInput(f"{top / parts[part]}: no folder of class {min(missing)!r}; every part needs every class")
        for folder in sorted(folders_of_part, key=lambda name: (classes.index(class_of[_last(name)]), _last(name))):
            names = [name for name in found.pictures if name.startswith(f"{folder}/")]
            if not names:
                raise BadInput(f"{found.folders[folder]}: no images; every class folder must contain some")
            entries += [(part, classes.index(class_of[_last(folder)]), name) for name in names]
            groups += [
                _group(name.removeprefix(f"{folder}/"), source.group_pattern, f"{source.name}: {name}")
                for name in names
            ]
    _refuse_left_over(source, found, [name for _, _, name in entries])
    pixels, patients = pictures.read_all([found.pictures[name] for _, _, name in entries], source, size)
    return Images(
        pixels=pixels,
        labels=np.array([label for _, label, _ in entries]),
        ids=[name for _, _, name in entries],
        classes=classes,
        official=[part for part, _, _ in entries],
        groups=patients if source.groups else groups,
        skipped=found.skipped,
    )


def _part_folders(source: Folder, top: Path, found: Tree) -> dict[str, str]:
    """Return the name of the folder of each part; that of the whole, for no part, if the source has no split."""
    if not source.parts:
        for name in found.folders:
            if NAME_OF_PART.fullmatch(name) and source.classes is None:
                raise BadInput(f"{top / name}: looks like a part; name the parts of {source.name} by train and test")
        return {"": ""}
    names = {part: composed(Path(name).as_posix()) for part, name in source.parts.items()}
    for name in names.values():
        if name not in found.folders:
            raise BadInput(f"{top / name}: missing; the folders of the source's parts must be named as in params.yaml")
    for one, other in permutations(names, 2):
        first, second = found.folders[names[one]], found.folders[names[other]]
        if first.resolve().is_relative_to(second.resolve()):  # what is tested on would be trained on
            what = "the same folder" if first.resolve() == second.resolve() else "not apart"
            raise BadInput(f"{source.name}: {one} and {other} are {what}, {first}; each part needs its own")
    return names


def _class_folders(top: Path, part: str, found: Tree) -> list[str]:
    """Return the names of the folders right below a part."""
    start = f"{part}/" if part else ""
    folders = [name for name in found.folders if name.startswith(start) and "/" not in name[len(start) :]]
    if not folders:
        raise BadInput(f"{top / part}: no class folders; it must contain one folder per class")
    return folders


def _class_of(source: Folder, folders: dict[str, list[str]]) -> dict[str, str]:
    """Return the class that each folder name stands for; :class:`BadInput` names a folder that no class lists."""
    names = [_last(folder) for folders_of_part in folders.values() for folder in folders_of_part]
    if source.classes is None:
        return {name: name for name in names}
    listed = {composed(name): label for label, names_of_class in source.classes.items() for name in names_of_class}
    for name in names:
        if name not in listed:
            raise BadInput(
                f"{source.name}: folder {name!r} belongs to no class; list it under the source's classes, or `ignore`"
            )
    return listed


def _refuse_left_over(source: Folder, found: Tree, taken: list[str]) -> None:
    left = sorted(set(found.pictures) - set(taken))
    if left:
        raise BadInput(
            f"{source.name}: pictures in no class folder of a part: {len(left)}, the first is "
            f"{found.pictures[left[0]]}; name their part, move them, or list them under `ignore` of the source"
        )


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _group(below_class: str, pattern: str | None, shown: str) -> str:
    """Return the group that a picture's path below its class folder names; none without a pattern."""
    if pattern is None:
        return ""
    match = re.search(pattern, below_class)
    if match and (group := group_name(match.group(1) or "")):
        return group
    what = f"finds no group in {below_class!r}" if match else f"does not match {below_class!r}"
    raise BadInput(f"{shown}: group_pattern {pattern!r} {what}; every file must have its group there")
