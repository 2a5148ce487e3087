"""A digest of code changes with what the code does, and with nothing else."""

import hashlib

import pytest

from benchmark.errors import BadInput
from benchmark.evidence.digests import code_digest, digest, file_digest, source_digest

CODE = """
def area(width, height=2):
    sides = (width, height)
    return "{} m2".format(sides[0] * sides[1])


class Square:
    side = 3
"""

THE_SAME = {
    "a comment": CODE.replace("    sides", "    # in metres\n    sides"),
    "a comment at the end of a line": CODE.replace("side = 3", "side = 3  # metres"),
    "docstrings": '"""Areas."""\n'
    + CODE.replace("    sides", '    """Return it."""\n    sides').replace("    side =", '    """It."""\n    side ='),
    "a docstring after an attribute": CODE + '    """Its length."""\n',
    "blank lines": CODE.replace("    return", "\n\n    return"),
    "a line broken": CODE.replace("(width, height)", "(\n        width,\n        height,\n    )"),
    "quoting": CODE.replace('"', "'"),
    "an escape": CODE.replace("m2", "\\x6d2"),
    "annotations": CODE.replace("width, height=2):", "width: float, height: float = 2) -> str:"),
}
OTHERS = {
    "a local variable": CODE.replace("sides", "lengths"),
    "a constant": CODE.replace("side = 3", "side = 4"),
    "a constant of another type": CODE.replace("side = 3", "side = 3.0"),
    "a default": CODE.replace("(width, height=2)", "(width=1, height=2)"),
    "another default": CODE.replace("height=2", "height=1"),
    "a text": CODE.replace("m2", "m²"),
    "the order of statements": CODE.replace("(width, height)", "(height, width)"),
    "an operation": CODE.replace("* sides", "+ sides"),
    "a decorator": CODE.replace("class", "@final\nclass"),
    "a name": CODE.replace("area", "surface"),
}


@pytest.mark.parametrize("change", THE_SAME)
def test_what_does_nothing_changes_no_digest(change):
    assert THE_SAME[change] != CODE
    assert source_digest(THE_SAME[change]) == source_digest(CODE)


@pytest.mark.parametrize("change", OTHERS)
def test_what_does_something_changes_the_digest(change):
    assert OTHERS[change] != CODE
    assert source_digest(OTHERS[change]) != source_digest(CODE)


EVERYTHING = '''
"""All that Python 3.11 can say, more or less."""
from __future__ import annotations
import os.path as places
from .near import (one, other as another)

@decorated(1, *args, key="value", **rest)
async def outer(a, /, b: int = 1, *many: str, c, d=None, **more) -> list[int]:
    """Do it."""
    total: int = 0
    @staticmethod
    def inner(x=lambda y: y ** 2):
        nonlocal total
        total += (n := x(3))
        return f"{total!r:>{n}.3f} {{braces}} {'nested ' f'{n=}'}" "joined" rf"\\d{n}"
    async with lock as held, other_lock:
        async for item in source:
            yield item
    match a:
        case {"key": [1, *rest], **others} if rest: pass
        case Point(x=0, y=-1.5j) | None: return
        case "text" as name: await name
        case _: raise ValueError(b"bytes", ..., u"old", 0x1F, 1_000, 1e-3) from None
    try:
        del total[1:2, ::3]
    except* (OSError, KeyError) as group:
        assert not group, "said"
    else:
        global place
    finally:
        print([x for y in z if y for x in y], {k: v for k, v in w}, {*s}, (g for g in h), {**d, "e": 1})
    while a < b <= c is not d in e and f or g:
        break
    return x if y else -z @ ~w // 2 if not (yield) else (yield from v)
'''


def test_a_digest_is_the_same_on_every_python():
    """It was written down from Python 3.11 and 3.12, which agree."""
    assert source_digest(EVERYTHING) == "36f50c356458c7826cc5dcb10317c68e277796e59cb45d3eca39aeafb121b3ec"


def test_the_digest_of_files_is_that_of_their_code_in_order(tmp_path):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text(CODE, encoding="utf-8")
    other.write_text("x = 1\n", encoding="utf-8")
    both = code_digest([one, other])
    one.write_text(THE_SAME["docstrings"], encoding="utf-8")
    assert code_digest([one, other]) == both
    assert code_digest([other, one]) != both
    assert code_digest([one]) != both


@pytest.mark.parametrize("content", [b"def", b"\0", "é = 1".encode("latin-1"), None], ids=repr)
def test_a_file_that_is_no_python_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "model.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"model.py: .*; it must be a Python file") as error:
        code_digest([path])
    assert "\n" not in str(error.value)


def test_a_digest_depends_on_content_and_not_on_the_order_of_keys():
    assert digest({"a": 1, "b": [2.5]}) == digest({"b": [2.5], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_the_digest_of_bytes_and_of_a_file_is_their_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"bytes")
    assert digest(b"bytes") == file_digest(tmp_path / "file") == hashlib.sha256(b"bytes").hexdigest()
