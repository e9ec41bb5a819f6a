"""Where the bytes of a closed recording are: on this machine's disk, in the object store, or for a moment in both.

A recording keeps its path wherever it is. What is read from the object store comes whole into a cache beside the
recordings first: playlists, clips and stills then read it like any other, and the front server sends its ranges
without ever learning the store's address.

Errors are OSError: FileNotFoundError when the recording is gone, `Damaged` when its bytes are not those that the
index knows, `StoreAway` when the object store does not answer.
"""

import base64
import contextlib
import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.storage import storages

from apps.video.models import Film, Store
from apps.video.recording import sync_directory

CACHE = ".objects"
HELD = ".holds"
# What was read so recently may be on its way out through the front server.
IN_USE_SECONDS = 120
# Nothing outlives its purge for longer than this in a cache of another host.
CACHED_SECONDS = 3600
BLOCK = 1 << 20


class Damaged(OSError):
    """The bytes are there, but they are not those that were recorded."""


class StoreAway(ConnectionError):
    """The object store refuses, or does not answer."""


def open_segment(film: Film) -> BinaryIO:
    """The recording, opened for reading: a file with a descriptor, that stays readable though it be purged."""
    return local_file(film).open("rb")


def local_file(film: Film) -> Path:
    """The file to read on this machine; brought here first when only the object store has it."""
    if film.store == Store.LOCAL and has_object_store() and not film.file.exists():
        # It moved since the row was read.
        film.store = type(film).objects.filter(pk=film.pk).values_list("store", flat=True).first() or film.store
    return _cached(film) if film.store == Store.OBJECTS and not film.file.exists() else film.file


def served_path(film: Film) -> str:
    """Where the front server finds it, relative to VIDEO_ROOT."""
    return str(local_file(film).relative_to(settings.VIDEO_ROOT))


def exists(film: Film) -> bool:
    """Whether any store has the recording, whatever its row says. StoreAway when that cannot be known."""
    return film.file.exists() or (has_object_store() and _head(film.path) is not None)


def delete(film: Film) -> None:
    """Remove it from wherever it is. The caller makes the removal of local files durable (`sync_directory`)."""
    if film.store == Store.OBJECTS:
        remove_object(film.path)
        (settings.VIDEO_ROOT / CACHE / film.path).unlink(missing_ok=True)
    # What has just moved is still here too.
    film.file.unlink(missing_ok=True)


def link_or_copy(film: Film, path: str) -> str:
    """Make an own copy of a closed recording at `path`; return the store that holds it.

    A hard link where that is possible, else a copy, which is whole before it has its name. A file that an
    earlier, broken attempt left under the name is replaced.
    """
    if film.store == Store.LOCAL or film.file.exists():
        try:
            _link(film.file, settings.VIDEO_ROOT / path)
        except FileNotFoundError:
            if film.store == Store.LOCAL:
                raise
        else:
            return Store.LOCAL
    with _store_errors(film.path):
        _objects().copy_object(Bucket=_bucket(), Key=path, CopySource={"Bucket": _bucket(), "Key": film.path})
    return Store.OBJECTS


def link_files(source: Path, target: Path, names: Iterable[str]) -> list[str]:
    """Hard links in the folder `target` to files of the folder `source`, both relative to VIDEO_ROOT.

    Returns the names where that was not to be; `link_or_copy` says why, or finds another way.
    """
    left = list(names)
    with contextlib.suppress(OSError), contextlib.ExitStack() as folders:
        (settings.VIDEO_ROOT / target).mkdir(parents=True, exist_ok=True)
        roots = (settings.VIDEO_ROOT / folder for folder in (source, target))
        here, there = (folders.enter_context(opened(root, os.O_DIRECTORY)) for root in roots)
        left = [name for name in left if not _is_linked(name, here, there)]
    return left


@contextlib.contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[int]:
    """The descriptor of a file or folder to read, with more `flags` of open(2). OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        yield fd
    finally:
        os.close(fd)


def _is_linked(name: str, here: int, there: int) -> bool:
    try:
        os.link(name, name, src_dir_fd=here, dst_dir_fd=there)
    except OSError:
        return False
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        if target.parent.is_dir():
            raise
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)
    except FileExistsError:
        if not target.samefile(source):
            _put(source, target)
    except OSError as error:
        # Another disk, or a file that has as many names as its file system allows.
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        _put(source, target)


def _put(source: Path, target: Path) -> None:
    """Copy, whole before it has its name, in place of what a broken attempt may have left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        _copy(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as out:
        shutil.copyfileobj(read, out, BLOCK)
        out.flush()
        os.fsync(out.fileno())


def fingerprint(film: Film) -> str:
    """SHA-256 of the bytes as they are now, read through and kept nowhere."""
    digest = hashlib.sha256()
    for block in _blocks(film):
        digest.update(block)
    return digest.hexdigest()


def _blocks(film: Film) -> Iterator[bytes]:
    if film.store == Store.LOCAL or film.file.exists():
        with film.file.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
        return
    with _store_errors(film.path):
        yield from _objects().get_object(Bucket=_bucket(), Key=film.path)["Body"].iter_chunks(BLOCK)


def upload(film: Film) -> None:
    """Put a local recording into the object store, and make sure that it arrived as it was recorded."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with film.file.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            md5.update(block)
        if sha256.hexdigest() != film.sha256:
            raise Damaged(errno.EIO, "the file is not what was recorded", film.path)
        file.seek(0)
        with _store_errors(film.path):
            # The store itself refuses what does not fit the sum: it is never half there.
            answer = _objects().put_object(
                Bucket=_bucket(),
                Key=film.path,
                Body=file,
                ContentMD5=base64.b64encode(md5.digest()).decode(),
                ContentType="video/mp4",
            )
    if answer["ETag"].strip('"') != md5.hexdigest() and _stored_fingerprint(film.path) != film.sha256:
        raise Damaged(errno.EIO, "the store keeps other bytes than it was given", film.path)


def refuse_versions() -> None:
    """A bucket that keeps old versions forgets nothing: what is purged would stay there. Raises StoreAway."""
    with _store_errors(""):
        if _objects().get_bucket_versioning(Bucket=_bucket()).get("Status") == "Enabled":
            raise StoreAway(errno.EPERM, "the bucket keeps old versions, so nothing could be purged", _bucket())


def _stored_fingerprint(path: str) -> str:
    """Read back from a store whose tags are not sums (one that encrypts, for example)."""
    digest = hashlib.sha256()
    with _store_errors(path):
        for block in _objects().get_object(Bucket=_bucket(), Key=path)["Body"].iter_chunks(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def stored_objects(below: str = "") -> Iterator[tuple[str, int]]:
    """(path, bytes) of everything in the object store whose path begins with `below`, in order of path."""
    with _store_errors(below):
        for page in _objects().get_paginator("list_objects_v2").paginate(Bucket=_bucket(), Prefix=below):
            yield from ((found["Key"], found["Size"]) for found in page.get("Contents", ()))


def stored_folders() -> Iterator[str]:
    """The first parts of the paths in the object store."""
    with _store_errors(""):
        for page in _objects().get_paginator("list_objects_v2").paginate(Bucket=_bucket(), Delimiter="/"):
            yield from (found["Prefix"].rstrip("/") for found in page.get("CommonPrefixes", ()))
            yield from (found["Key"] for found in page.get("Contents", ()))


def remove_object(path: str) -> None:
    with contextlib.suppress(FileNotFoundError), _store_errors(path):
        _objects().delete_object(Bucket=_bucket(), Key=path)


def _head(path: str) -> dict | None:
    with contextlib.suppress(FileNotFoundError), _store_errors(path):
        return _objects().head_object(Bucket=_bucket(), Key=path)
    return None


def has_object_store() -> bool:
    return "recordings" in settings.STORAGES


def _objects():
    """The client of the object store."""
    store = storages["recordings"]
    return _client(store.endpoint_url, store.access_key)


@lru_cache
def _client(_address: str, _key: str):
    """Threads may share a client, and making one costs half a second; django-storages makes one for each thread."""
    return storages["recordings"].connection.meta.client


def _bucket() -> str:
    return storages["recordings"].bucket_name


@contextlib.contextmanager
def _store_errors(path: str) -> Iterator[None]:
    """Turn what the object store answers into what a disk would."""
    # Only a city with an object store pays for the client's 30 MB.
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        raise StoreAway(errno.EIO, str(error), path) from error
    except BotoCoreError as error:
        raise StoreAway(errno.EIO, str(error), path) from error


# --- the cache of what was read from the object store ---


def _cached(film: Film) -> Path:
    file = settings.VIDEO_ROOT / CACHE / film.path
    try:
        os.utime(file)
    except FileNotFoundError:
        _fetch(film, file)
    return file


def _fetch(film: Film, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{uuid.uuid4().hex[:8]}.part")
    digest = hashlib.sha256()
    try:
        with draft.open("xb") as out:
            for block in _blocks(film):
                out.write(block)
                digest.update(block)
        if digest.hexdigest() != film.sha256:
            raise Damaged(errno.EIO, "the store keeps other bytes than were recorded", film.path)
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    sweep_cache()


def sweep_cache() -> None:
    """Drop what nobody read for an hour, and the longest unread beyond OBJECTS_CACHE_BYTES."""
    now, kept, size = time.time(), [], 0
    for file in (settings.VIDEO_ROOT / CACHE).rglob("*.*"):
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            kept.append((found.st_mtime, found.st_size, file))
    for read_at, bytes_, file in sorted(kept, reverse=True):
        size += bytes_
        age = now - read_at
        if age > CACHED_SECONDS or (age > IN_USE_SECONDS and size > settings.OBJECTS_CACHE_BYTES):
            file.unlink(missing_ok=True)


def sync_copies(paths: list[str]) -> None:
    """Make what was linked or removed on this disk survive a power cut, new folders included."""
    folders = {folder for inside in {os.path.dirname(path) for path in paths} for folder in Path(inside, "x").parents}
    for folder in sorted(folders, reverse=True):
        if (settings.VIDEO_ROOT / folder).is_dir():
            sync_directory(settings.VIDEO_ROOT / folder)


def remove_folder(path: str) -> None:
    """Remove a folder below VIDEO_ROOT with all folders in it; one that still has a file in it stays."""
    for folder, _inside, _files in os.walk(settings.VIDEO_ROOT / path, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
