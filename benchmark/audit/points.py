"""Differences of shares in points, as people write them: with a sign, one decimal and a true minus."""


def points(share: float) -> str:
    """Return a difference of shares in points; what rounds to 0 has no sign."""
    text = f"{100 * share:+.1f}"
    return text[1:] if not text.strip("+-0.") else text.replace("-", "−")


def points_between(low: float, high: float) -> str:
    """Return the bounds of a difference of shares in points."""
    return f"[{points(low)}, {points(high)}]"
