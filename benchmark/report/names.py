"""What people call things: models by their labels, numbers with a true minus sign."""

from benchmark.params import Params


def label(params: Params, model: str) -> str:
    """Return what people call a model; its name if params.yaml does not know it."""
    return params.models[model].label if model in params.models else model


def points(share: float) -> str:
    """Return a difference of shares in points, with its sign and one decimal."""
    return _signed(f"{100 * share:+.1f}")


def points_between(low: float, high: float) -> str:
    """Return the bounds of a difference of shares in points."""
    return f"[{points(low)}, {points(high)}]"


def _signed(text: str) -> str:
    """Return a signed number with a true minus sign; what rounds to 0 has no sign."""
    return text[1:] if not text.strip("+-0.") else text.replace("-", "−")
