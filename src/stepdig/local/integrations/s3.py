"""S3 on folders: get, put, head, list and delete, without boto3.

Names and shapes of answers and errors: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stepdig.local.call import Call, text_of
from stepdig.local.clock import iso
from stepdig.local.errors import StateError
from stepdig.local.payload import Json

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ACTIONS = ("getObject", "putObject", "headObject", "listObjectsV2", "deleteObject", "deleteObjects")


class LocalS3:
    """Buckets as folders: an object's key is its path below the bucket's folder; `others` holds a folder for any other bucket."""

    def __init__(self, buckets: Mapping[str, Path], others: Path | None = None) -> None:
        self.buckets = {name: Path(folder) for name, folder in buckets.items()}
        self._others = others

    def knows(self, bucket: str) -> bool:
        """Tell whether these folders answer for a bucket, be it that there is none."""
        return bucket in self.buckets or self._others is not None

    def folder(self, bucket: str) -> Path | None:
        """Return the folder of a bucket, or None where there is none."""
        if bucket in self.buckets:
            return self.buckets[bucket]
        other = self._others / bucket if self._others is not None and _BUCKET.fullmatch(bucket) else None
        return other if other is not None and other.is_dir() else None

    def made(self, bucket: str) -> None:
        """Make the folder of a bucket that is not there."""
        if self.folder(bucket) is None and self._others is not None and _BUCKET.fullmatch(bucket):
            (self._others / bucket).mkdir(parents=True, exist_ok=True)

    def path(self, bucket: str, key: str) -> Path:
        """Return the file of an object; raises StateError for an unknown bucket or a key that leaves its folder."""
        folder = self.folder(bucket)
        if folder is None:
            here = f"; here it would be the folder {self._others / bucket}" if self._others is not None else ""
            raise StateError("S3.NoSuchBucketException", f"The specified bucket does not exist: {bucket}{here}")
        parts = key.split("/")
        if not key or any(part in ("", ".", "..") for part in parts) or "\0" in key:
            raise StateError("S3.S3Exception", f"This key cannot be a file on this machine: {key}")
        return folder.joinpath(*parts)

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object; raises StateError S3.NoSuchKeyException."""
        try:
            return self.path(bucket, key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise StateError("S3.NoSuchKeyException", "The specified key does not exist.") from None

    def put(self, bucket: str, key: str, body: bytes) -> str:
        """Store an object, whole or not at all, and return its ETag."""
        path = self.path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".put-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        return _etag(body)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys of a bucket in S3's order, those with the prefix."""
        folder = self.path(bucket, "x").parent
        files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".put-"))
        names = (file.relative_to(folder).as_posix() for file in files)
        return sorted((name for name in names if name.startswith(prefix)), key=str.encode)


def serves(action: str, s3: LocalS3, arguments: Json) -> bool:
    """Tell whether the folders answer this call: an action known here, on a bucket that is one of them."""
    return action in _ACTIONS and isinstance(arguments, dict) and s3.knows(str(arguments.get("Bucket")))


async def call(call: Call, arguments: dict[str, Json], s3: LocalS3) -> Json:
    """Do an S3 action on the folders; small files, so on the engine's own thread."""
    return _DO[call.resource.action](s3, str(arguments["Bucket"]), arguments)


def _get(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    body = s3.get(bucket, str(arguments.get("Key", "")))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise StateError("S3.S3Exception", "The object is not UTF-8 text") from None
    return {**_head(s3, bucket, arguments), "Body": text}


def _head(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    key = str(arguments.get("Key", ""))
    body = s3.get(bucket, key)
    return {
        "AcceptRanges": "bytes",
        "ContentLength": len(body),
        "ContentType": "binary/octet-stream",
        "ETag": _etag(body),
        "LastModified": iso(s3.path(bucket, key).stat().st_mtime),
        "Metadata": {},
    }


def _put(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    return {"ETag": s3.put(bucket, str(arguments.get("Key", "")), text_of(arguments.get("Body", "")).encode())}


def _list(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    prefix = str(arguments.get("Prefix", ""))
    found = s3.keys(bucket, prefix)
    shown = found[: int(arguments.get("MaxKeys", 1000))]
    return {
        "Contents": [_listed(s3, bucket, key) for key in shown],
        "IsTruncated": len(shown) < len(found),
        "KeyCount": len(shown),
        "MaxKeys": int(arguments.get("MaxKeys", 1000)),
        "Name": bucket,
        "Prefix": prefix,
    }


def _listed(s3: LocalS3, bucket: str, key: str) -> dict[str, Json]:
    body = s3.get(bucket, key)
    modified = int(s3.path(bucket, key).stat().st_mtime)
    return {"Etag": _etag(body), "Key": key, "LastModified": modified, "Size": len(body), "StorageClass": "STANDARD"}


def _delete(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    with contextlib.suppress(FileNotFoundError):
        s3.path(bucket, str(arguments.get("Key", ""))).unlink()
    return {}


def _delete_all(s3: LocalS3, bucket: str, arguments: dict[str, Json]) -> dict[str, Json]:
    for it in arguments["Delete"]["Objects"]:
        _delete(s3, bucket, it)
    return {}


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


_DO = {
    "getObject": _get,
    "headObject": _head,
    "putObject": _put,
    "listObjectsV2": _list,
    "deleteObject": _delete,
    "deleteObjects": _delete_all,
}
