"""Every kind of picture file becomes what an independent writer put into it, or is refused in one line."""

import numpy as np
import pytest

from tests.benchmark.data import variants
from tests.conftest import ROOT


@pytest.mark.parametrize("variant", variants.VARIANTS, ids=lambda variant: f"{variant.kind} {variant.keys or ''}")
def test_a_file_becomes_what_was_written_or_is_refused(variant, tmp_path):
    found = variants.result(variant, tmp_path)
    if isinstance(variant.becomes, str):
        assert isinstance(found, str), f"it was read, as {found[:2, :2].tolist()}"
        assert variant.becomes in found
        assert variant.name in found
        assert "\n" not in found
    else:
        assert not isinstance(found, str), found
        gap = np.abs(found.astype(int) - np.asarray(variant.becomes).reshape(found.shape).astype(int))
        assert gap.max() <= variant.tolerance


def test_the_documentation_shows_what_becomes_of_each():
    """``python -m tests.benchmark.data.variants`` prints the table as it must be."""
    text = (ROOT / "docs/images.md").read_text(encoding="utf-8")
    assert len(variants.VARIANTS) >= 40
    assert [line for line in text.splitlines() if line.startswith("| ")] == variants.table().splitlines()
