"""Which files to convert, and where each result goes; known before the first is sent."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from shared.codecs.formats import SIGNATURE_BYTES, WRITTEN, Format, resolve, sniff
from shared.options import Options
from shared.problems import UnsupportedFormat

STREAM = "-"
"""Standard input as a source, standard output as a result."""
_MARK = "-grey"
_IMAGE_SUFFIXES = {f".{name}" for known in Format for name in (known.value, known.extension)}


@dataclass(frozen=True, slots=True)
class Job:
    """One file to convert."""

    source: Path | None
    """None: standard input."""
    output: Path | None
    """None: standard output."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file, and where it is below what was named."""

    path: Path
    below: Path


def jobs(arguments: Sequence[str], output: str | None, asked: Options) -> list[Job]:
    """What FILEs, DIRs, GLOBs or `-` mean.

    Raises `click.UsageError` if nothing is found, or names do not go together.
    """
    if "" in (*arguments, output):  # a variable that is not set: not the folder where we are
        raise click.UsageError("a name is empty")
    try:
        return _jobs(arguments, output, asked)
    except OSError as exc:
        raise click.UsageError(f"{exc.filename}: {exc.strerror}") from exc


def _jobs(arguments: Sequence[str], output: str | None, asked: Options) -> list[Job]:
    if STREAM in arguments:
        if len(arguments) > 1:
            raise click.UsageError("standard input (-) cannot be converted together with files")
        return [Job(None, None if output in {None, STREAM} else Path(str(output)))]
    folder = None if output in {None, STREAM} else Path(str(output))
    found = _without_results(_distinct(one for name in arguments for one in _find(name, folder)))
    if output == STREAM or (folder is not None and not _is_folder(arguments, str(output))):
        if len(found) != 1:
            raise click.UsageError(f"{len(found)} files cannot go to one output, {output}")
        return _checked([Job(found[0].path, folder)])
    return _checked(_named(found, folder, asked))


def _is_folder(arguments: Sequence[str], output: str) -> bool:
    """Whether it is one, ends like one, or has to take what a folder or a pattern gives."""
    named = Path(arguments[0])
    several = len(arguments) > 1 or named.is_dir() or not named.exists()
    return several or output.endswith(os.sep) or Path(output).is_dir()


def _find(name: str, output: Path | None) -> Iterator[_Found]:
    path = Path(name)
    if path.is_dir():
        yield from _walk(path, output)
    elif path.exists():
        yield _Found(path, Path(path.name))
    elif glob.has_magic(name):
        base = Path(*_plain_parts(path))
        matches = sorted(Path(match) for match in glob.glob(name, recursive=True))  # noqa: PTH207 - absolute ones too
        found = (_Found(match, match.relative_to(base)) for match in matches if match.is_file())
        yield from (one for one in found if not _lies_in(output, one, base))
    else:
        raise click.UsageError(f"there is no file {name!r}")


def _plain_parts(path: Path) -> Iterator[str]:
    """The folders before the first that is a pattern."""
    for part in path.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


def _walk(folder: Path, output: Path | None) -> Iterator[_Found]:
    """The images below a folder, in order, without what is hidden and what lies in the output's folder.

    A folder that cannot be read stands for itself, to fail aloud.
    """
    unread: list[OSError] = []
    for base, folders, files in os.walk(folder, onerror=unread.append):
        here = Path(base)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not _same(here / f, output))
        paths = (here / file for file in sorted(files) if not file.startswith("."))
        yield from (_Found(path, path.relative_to(folder)) for path in paths if _is_image(path))
    yield from (_Found(path, path.relative_to(folder)) for path in (Path(one.filename) for one in unread))


def _lies_in(output: Path | None, found: _Found, base: Path) -> bool:
    """Whether the output's folder is below the base, and the file in it."""
    return any(_same(base / folder, output) for folder in found.below.parents if folder.name)


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and os.path.realpath(one) == os.path.realpath(other)


def _is_image(path: Path) -> bool:
    """By its name or, if that says nothing, its first bytes: what is only named so shall fail aloud."""
    return path.is_file() and (path.suffix.lower() in _IMAGE_SUFFIXES or _format(path) is not None)


def _format(path: Path) -> Format | None:
    """By the first bytes; None if they are of no format we read, or cannot be had twice."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return sniff(memoryview(file.read(SIGNATURE_BYTES)))
    except (OSError, UnsupportedFormat):
        return None


def _distinct(found: Iterable[_Found]) -> list[_Found]:
    return list({os.path.realpath(one.path): one for one in found}.values())


def _without_results(found: list[_Found]) -> list[_Found]:
    """Without `photo-grey.jpg` where there is a `photo.jpg`: what an earlier run made is not its input."""
    names = [(one.path.parent, name) for one in found for name in (one.path.stem, one.path.name)]
    marks = {(folder, name + _MARK) for folder, name in names}
    sources = [one for one in found if (one.path.parent, one.path.stem) not in marks]
    if len(sources) < len(found):
        click.echo(
            f"grisaille: left out {len(found) - len(sources)} results (*{_MARK}.*) of others", err=True
        )
    if not sources:
        raise click.UsageError("no image is found")
    return sources


def _named(found: Iterable[_Found], folder: Path | None, asked: Options) -> list[Job]:
    """Each result is NAME-grey.EXT; where two would be the same, NAME.OLD-grey.EXT."""
    made = [(one, _place(one, folder), _suffix(one.path, asked)) for one in found]
    short = [place / f"{one.path.stem}{_MARK}{suffix}" for one, place, suffix in made]
    count = Counter(short)
    return [
        Job(one.path, output if count[output] == 1 else place / f"{one.path.name}{_MARK}{suffix}")
        for (one, place, suffix), output in zip(made, short, strict=True)
    ]


def _place(found: _Found, folder: Path | None) -> Path:
    return found.path.parent if folder is None else folder / found.below.parent


def _suffix(path: Path, asked: Options) -> str:
    """The source's own where the format stays."""
    source = _format(path)
    written = resolve(asked.format, source or Format.PNG)
    stays = source is written and path.suffix.lower() in {f".{written.value}", f".{written.extension}"}
    return path.suffix if stays else f".{written.extension}"


def _checked(planned: list[Job]) -> list[Job]:
    taken = {os.path.realpath(job.source) for job in planned if job.source is not None}
    made: dict[str, Job] = {}
    for job in planned:
        if job.output is None:
            continue
        place = os.path.realpath(job.output)
        if place in taken:
            raise click.UsageError(f"{job.output} would be overwritten by what is made of {job.source}")
        other = made.setdefault(place, job)
        if other is not job:
            raise click.UsageError(
                f"{other.source} and {job.source} would both become {job.output}; "
                "convert them into different folders"
            )
    return planned


def named_format(planned: Sequence[Job], output: str | None) -> Format | None:
    """What the name of the one file in --output ends in, if it is a format that we write."""
    if output is None or Path(output) not in {job.output for job in planned}:
        return None
    suffixes = {f".{name}": known for known in WRITTEN for name in (known.value, known.extension)}
    return suffixes.get(Path(output).suffix.lower())


def existing(job: Job) -> bool:
    """Whether the result is already there: it is only ever there complete."""
    try:
        return job.output is not None and job.output.is_file()
    except OSError:
        return False  # the conversion will say why
