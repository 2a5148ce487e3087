"""What can go wrong that a person has to know of, each told in one line."""


class BadInput(Exception):  # noqa: N818  (it names the cause, as the user sees it)
    """Bad input of any kind; its message is one line: what, where, what would be right."""


class TrainingFailed(Exception):  # noqa: N818
    """A run raised an exception; the message names it."""


def closest(name: str, known: list[str], otherwise: str | None = None) -> str:
    """Return ``name``'s likely spelling among ``known``, or ``otherwise``, or the whole list, to end an error line."""
    from difflib import get_close_matches

    part = [one for one in known if name and (one.startswith(name) or one.endswith(f"/{name}"))]
    near = part or get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise or f"known: {', '.join(known)}"
