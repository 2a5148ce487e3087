"""The proposed networks, and how a network of this project gets into timm's registry."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from timm.models import register_model
from torch import nn

Factory = Callable[..., nn.Module]


def registered(build: Factory) -> Factory:
    """Register ``build`` under its own name, so ``timm.create_model`` builds it too once its file is imported.

    ``create_model`` hands every factory arguments about pretrained weights; only a ``build`` that takes ``pretrained``
    has some. An option that ``build`` does not know is refused.
    """

    @functools.wraps(build)
    def factory(*, pretrained: bool = False, **options: Any) -> nn.Module:
        if "pretrained" in inspect.signature(build).parameters:
            options["pretrained"] = pretrained
        elif pretrained:
            raise ValueError(f"{build.__name__} has no pretrained weights")
        for name in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"):
            options.pop(name, None)
        return build(**options)

    return register_model(factory)
