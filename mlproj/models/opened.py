"""A model found by its address: its files in a folder here, and what is known of where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlproj import artifacts
from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url
from mlproj.models import address, fetching, locating, mlmodel
from mlproj.models.address import PACKAGE, InArchive, InFolder, InStore
from mlproj.models.locating import Location, Locator
from mlproj.models.mlmodel import NAME, ModelFile
from mlproj.tracking.base import Run
from mlproj.tracking.model_base import LoggedModel, ModelVersion


@dataclass(frozen=True)
class OpenedModel:
    """A model's files in ``folder``, and what ``file``, its ``MLmodel``, says.

    ``address`` names just these files, where the address that was asked for may name others tomorrow. ``run`` logged
    the model, ``version`` is the version of a registered model that was named, ``logged`` the logged model it is; each
    is None where it is not known here. ``locked`` is the environment that came with it, ``title`` what whoever packaged
    it called it.
    """

    address: str
    folder: Path
    file: ModelFile
    run: Run | None = None
    version: ModelVersion | None = None
    logged: LoggedModel | None = None
    locked: Locked | None = None
    title: str | None = None

    @property
    def name(self) -> str:
        """The model for people, in a word or two."""
        if self.title:
            return self.title
        if self.version:
            return f"{self.version.name} version {self.version.version}"
        return self.logged.name if self.logged else self.folder.name


@contextmanager
def open_model(text: str, progress: Progress, *, offline: bool = False) -> Iterator[OpenedModel]:
    """The model at the address *text*. Its files stay as long as the block.

    Raises UsageError for what is no address, NotFound for a run, model or version that is not there, SourceError when
    there is no model, InvalidProject for an ``MLmodel`` that describes none, ServiceError.
    """
    named = address.parse(text)
    with ExitStack() as stack:
        if isinstance(named, InArchive) and named.place.lower().endswith(PACKAGE):
            yield stack.enter_context(_packaged(named.place, progress, offline=offline))
        elif isinstance(named, InArchive):
            folder = stack.enter_context(_unpacked(named.place, offline=offline))
            yield _in_folder(folder, mask_url(named.place))
        elif isinstance(named, InFolder):
            yield _in_folder(named.folder, str(named.folder.absolute()))
        else:
            with Locator() as locator:
                location = locating.of_place(named) if isinstance(named, InStore) else locator.locate(named)
            yield _at(location, progress)


def _in_folder(folder: Path, shown: str) -> OpenedModel:
    """A model that came without a store: what its ``MLmodel`` says of its run is looked for in ours."""
    if not presence.is_file(folder / NAME):
        raise fetching.missing(shown, [entry.name for entry in folder.iterdir()] if presence.is_folder(folder) else [])
    file = mlmodel.load(folder)
    return OpenedModel(shown, folder.absolute(), file, run=_origin(file))


def _origin(file: ModelFile) -> Run | None:
    """The run that a model says it is of, where our store has it; a store that cannot be asked has none."""
    if file.run_id is None:
        return None
    try:
        with Locator() as locator:
            return locator.origin(file.run_id)
    except MlprojError:
        return None


def _at(location: Location, progress: Progress) -> OpenedModel:
    opened = artifacts.open if location.trusted else artifacts.open_recorded
    folder = fetching.fetch(opened(location.uri), location.path, progress)
    return OpenedModel(
        mask_url(location.address),
        folder,
        mlmodel.load(folder),
        run=location.run,
        version=location.version,
        logged=location.logged,
    )


@contextmanager
def _packaged(place: str, progress: Progress, *, offline: bool) -> Iterator[OpenedModel]:
    """The model of a package, with the environment that came along."""
    from mlproj.sources.address import detect
    from mlproj.sources.package import BundleSource

    source = BundleSource(detect(place), model=True)
    checkout = source.fetch(source.pin(None, offline=offline), isolated=True)
    try:
        for note in checkout.given.notes:
            progress.note(note)
        title = (checkout.given.model or {}).get("name")
        # Where it says that it came from anybody can write: it is known by where it is.
        address = mask_url(place) if "://" in place else str(Path(place).absolute())
        yield OpenedModel(
            address, checkout.root, mlmodel.load(checkout.root), locked=checkout.given.locked, title=title
        )
    finally:
        checkout.release()


@contextmanager
def _unpacked(place: str, *, offline: bool) -> Iterator[Path]:
    """The folder with the model of an archive: the top, or the one folder at the top."""
    from mlproj.sources import archive, workspace
    from mlproj.sources.unpack import unpack

    file, _digest, _notes = archive.obtained(place, offline=offline)
    folder, release = workspace.new()
    try:
        unpack(file, folder)
        yield _top(folder, mask_url(place))
    finally:
        release()


def _top(folder: Path, shown: str) -> Path:
    if presence.is_file(folder / NAME):
        return folder
    found = [entry for entry in folder.iterdir() if entry.is_dir() and presence.is_file(entry / NAME)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(entry.name for entry in found))
        raise SourceError(f"{shown} holds {len(found)} models: {names}", hint="unpack it, and name the folder of one")
    raise fetching.missing(shown, [entry.name for entry in folder.iterdir()])
