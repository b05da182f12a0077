"""Where outputs of tasks live: a bucket in the cloud, a folder on the laptop, behind three calls."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator, List, Optional, Protocol
from urllib.parse import unquote, urlsplit

from stepdig.runner.shapes import Json


class StorageError(Exception):
    """The storage refuses: no such bucket, no right to it, no way to it."""


class Storage(Protocol):
    """Objects by key; keys are `/`-separated texts that hold whatever a task name may hold."""

    def get(self, key: str) -> Optional[bytes]:
        """Return the object, or None when there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Write the object whole; a reader sees the old one or the new one."""

    def list(self, prefix: str) -> List[str]:
        """Return the keys that begin with the prefix, which ends in `/`, sorted."""


class FolderStorage:
    """Outputs below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, key: str) -> Optional[bytes]:
        """Return the file's bytes, or None when there is none."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, key: str, body: bytes) -> None:
        """Write the file beside its place and rename it."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        import tempfile  # the compiler, which reads a number of this package, writes nothing

        handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise

    def list(self, prefix: str) -> List[str]:
        """Return the keys of the files below the prefix."""
        files = (path for path in (self._root / prefix).rglob("*") if path.is_file() and path.name[0] != ".")
        return sorted(path.relative_to(self._root).as_posix() for path in files)


class BucketStorage:
    """Outputs in an S3 bucket; `client` is botocore's S3 client, `prefix` ends in `/` or is empty.

    What S3 refuses raises StorageError.
    """

    def __init__(self, client: Json, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def get(self, key: str) -> Optional[bytes]:
        """Return the object's bytes, or None when there is none."""
        with self._telling(key):
            try:
                body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "AccessDenied" or not self._missing(key):
                    raise
                return None
        return body

    def _missing(self, key: str) -> bool:
        """Tell whether there is no such object, after S3 forbade to read it.

        S3 says so, too, of what is not there, to a role that may not list the bucket as a whole; ours lists its own prefixes.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        try:
            return key not in self.list(key)
        except StorageError:
            return False

    def put(self, key: str, body: bytes) -> None:
        """Write one object."""
        where = {"Bucket": self._bucket, "Key": self._prefix + key}
        with self._telling(key):
            self._client.put_object(Body=body, ContentType="application/json", **where)

    def list(self, prefix: str) -> List[str]:
        """Return the keys below the prefix, a page of 1,000 a call."""
        with self._telling(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            return sorted(item["Key"][len(self._prefix) :] for page in found for item in page.get("Contents", ()))

    @contextlib.contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # botocore's errors have no base class that can be named without botocore
            raise StorageError(f"s3://{self._bucket}/{self._prefix}{key}: {error}") from error


def open_storage(url: str) -> Storage:
    """Return the storage of `s3://bucket[/prefix]` or `file:///folder`. Raises ValueError for any other URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStorage(Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"neither an s3:// nor a file:// URL: {url}")
    from stepdig.runner import s3  # the laptop needs none

    prefix = parts.path.strip("/")
    return BucketStorage(s3.client(), parts.netloc, prefix + "/" if prefix else "")
