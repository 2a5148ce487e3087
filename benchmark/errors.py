"""What can go wrong that a person has to know of, each told in one line."""

import errno

LONGEST_LINE = 300


class BadInput(Exception):  # noqa: N818  (it names the cause, as the user sees it)
    """Bad input of any kind; its message is one line: what, where, what would be right."""


class NotHere(BadInput):
    """Data that are not on this machine and cannot be downloaded; what needs none of them goes on without."""


class TrainingFailed(Exception):  # noqa: N818
    """A run raised an exception; the message names it."""


class Unreachable(TrainingFailed):
    """The machines that runs are performed on cannot be reached."""


def closest(name: str, known: list[str], otherwise: str | None = None) -> str:
    """Return ``name``'s likely spelling among ``known``, or ``otherwise``, or the whole list, to end an error line."""
    from difflib import get_close_matches

    part = [one for one in known if name and (one.startswith(name) or one.endswith(f"/{name}"))]
    near = part or get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise or f"known: {', '.join(known)}"


def one_line(message: str) -> str:
    """Return a message as one line of printable characters, of at most 300; of a longer one the middle is left out."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(message.split()))
    if len(line) <= LONGEST_LINE:
        return line
    end = LONGEST_LINE // 3  # what would be right stands at the end
    return f"{line[: LONGEST_LINE - end - 3]} … {line[-end:]}"


def lacks_memory(error: ImportError) -> bool:
    """Whether a library could not be imported for lack of memory."""
    return "failed to map segment" in str(error) or "cannot allocate memory" in str(error).lower()


def failure(error: Exception) -> str:
    """Say what the machine could not do: no memory, no room, no access."""
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}; end other programs, or use a machine with more"
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if error.filename == "git":
        return "git: not installed; this command asks it for commits"
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}no room is left on the disk; make some, and the same command goes on from here"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where}{error.strerror}; it must be accessible, and writable where a command writes"
    return f"{where}{error.strerror}"
