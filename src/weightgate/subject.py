"""What is scanned: a local directory or file, or a model elsewhere, which is fetched when its files are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate import inventory
from weightgate.errors import UsageError
from weightgate.findings import Model, ModelFile, Source, model_digest
from weightgate.scanners.interface import Inventory, Progress

if TYPE_CHECKING:
    from weightgate.scanners.prisma_airs.references import ModelReference


@dataclass(frozen=True, slots=True)
class Subject:
    """One model, opened."""

    given: str
    """As the user named it."""
    reference: ModelReference | None
    """Where it lies when it lies elsewhere; of a model that was fetched, with the commit that was fetched."""
    inventory: Inventory | None
    """Its files; `None` when they are not here."""

    def model(self, files: tuple[ModelFile, ...] = ()) -> Model:
        """Return the document's model; `files` are those that a scan service names, for a model that is not here.

        The revision is the commit that was fetched. Where nothing was fetched it is what the address names, even if a
        service tells which commit a branch was at: an address with a branch moves, and its document must say so.
        """
        if self.reference is None:
            return local_model(self.given, self.inventory or Inventory(Path(), ()))
        here = self.inventory
        return Model(
            uri=self.reference.uri,
            source=self.reference.source,
            name=self.reference.name,
            revision=self.reference.revision,
            digest=None if here is None else model_digest(here.files),
            files=files if here is None else here.files,
        )


@contextmanager
def opened(given: str, *, files: bool, max_download: int, seconds: float, progress: Progress) -> Iterator[Subject]:
    """Give the model `given`, a path or an address; `files` says whether somebody needs the files of a remote one.

    Raises `UsageError` for what is no model or cannot be fetched, and what `hub.downloaded` and `inventory.walk` raise.
    """
    if "://" not in given:
        yield Subject(given, None, inventory.walk(Path(given), progress=progress))
        return
    from weightgate.scanners.prisma_airs.references import parse

    reference = parse(given)
    if not files:
        yield Subject(given, reference, None)
        return
    if reference.source is not Source.HUGGINGFACE:
        raise UsageError(
            f"{given}: a local scanner needs a directory or a file, and only models on Hugging Face are downloaded; "
            "download it first, or scan it with --scanner prisma-airs alone"
        )
    from weightgate.scanners import hub

    with hub.downloaded(reference, max_bytes=max_download, seconds=seconds, progress=progress) as download:
        found = inventory.walk(download.folder, progress=progress)
        download.check(found)
        yield Subject(given, replace(reference, revision=download.commit), found)


def local_model(name: str, found: Inventory) -> Model:
    """Return the model of an inventory. Its `uri` is the path as it was given, without `./`, and `/` between the
    steps."""
    uri = os.path.normpath(name).replace(os.sep, "/")
    return Model(
        uri=uri,
        source=Source.LOCAL,
        name=os.path.basename(os.path.abspath(name)) or None,
        revision=None,
        digest=model_digest(found.files),
        files=found.files,
    )
