"""What people call models."""

from benchmark.params import Params


def label(params: Params, model: str) -> str:
    """Return what people call a model; its name if params.yaml does not know it."""
    return params.models[model].label if model in params.models else model
