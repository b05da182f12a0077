"""`s3_wait>: bucket/key` waits until an object is there; nothing runs meanwhile, S3 is asked at growing intervals."""

from __future__ import annotations

import re
from itertools import dropwhile, takewhile

from stepdig import limits
from stepdig.jsonata_text import literal
from stepdig.language.declared import FLAG, SECONDS, TEXT, VALUE, Option, list_of, refused
from stepdig.language.model import Task
from stepdig.operators._options import Options, printed
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Again, Call, Computed, Step
from stepdig.source.tree import Scalar, Sequence

# A missing object: the SDK's name for a HeadObject's 404. https://github.com/aws/aws-sdk-java-v2/issues/544
MISSING = "S3.NoSuchKeyException"
# Digdag's intervals: 5 s, each 1.2 times longer, at most 5 minutes.
FIRST_SECONDS, RATE, MOST_SECONDS = 5, 1.2, 300
# Without a time-out the wait ends after a day: each look takes three events of the history, which is bounded.
DAY_SECONDS = 86_400
_GROWING = 32  # waits until any first one has grown to the most
_RAW = (
    ("Accept-Ranges", "$r.AcceptRanges"),
    ("Cache-Control", "$r.CacheControl"),
    ("Content-Encoding", "$r.ContentEncoding"),
    ("Content-Length", "$r.ContentLength"),
    ("Content-Type", "$r.ContentType"),
    ("ETag", "$replace($r.ETag,'\\u0022','')"),
    ("Last-Modified", "($type($r.LastModified)='string'?$toMillis($r.LastModified):$r.LastModified)"),
    ("x-amz-server-side-encryption", "$r.ServerSideEncryption"),
    ("x-amz-storage-class", "$r.StorageClass"),
    ("x-amz-version-id", "$r.VersionId"),
)
_METADATA = ",".join(f"'{name}':{code}" for name, code in _RAW)
_FOUND = f"'result':true,'metadata':{{{_METADATA}}},'user_metadata':$exists($r.Metadata)?$r.Metadata:{{}}"
STORES = f"($r:=$states.result;{{'s3':{{'last_object':{{{_FOUND}}}}}}})"
LATE = "{'s3':{'last_object':{'result':false}}}"


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_OWN = refused("s3_wait> asks in the region of the workflow")


@operator(
    "s3_wait",
    argument=VALUE,
    options=(
        Option("bucket", TEXT, "with key, in place of bucket/key"),
        Option("key", TEXT, "with bucket, in place of bucket/key"),
        Option("buckets", list_of(TEXT), "the buckets it may be, where only the run knows which one"),
        Option("version_id", TEXT, "the version to wait for"),
        Option("timeout", SECONDS, "how long to wait; the task fails then, and without it after a day"),
        Option("continue_on_timeout", FLAG, "`true` goes on after the time-out, with `s3.last_object.result` `false`"),
        Option("region", _OWN, "not supported"),
        Option("endpoint", _OWN, "not supported"),
        Option("path_style_access", FLAG, "without meaning here"),
    ),
    stores=True,
)
def s3_wait(task: Task, place: Place) -> Step:
    """Wait for an object in S3: `s3_wait>: my-bucket/my-key`; what is known of it is `s3.last_object`."""
    options = Options(task, place, ("aws", "s3"))
    where = _where(options)
    for name in ("region", "endpoint"):
        node = options.node(name)
        if node is not None:
            hint = "remove it if the bucket is in the workflow's region; else wait in a py> with boto3"
            place.problem(node.at, "SD485", f"'{name}' of s3_wait> is not supported", hint, node.length)
    if where is None:
        return nothing(place)
    where["Bucket"] = _held(where["Bucket"], options)
    if options.given("version_id"):
        where["VersionId"] = options.text("version_id")
    given = options.seconds("timeout", limits.WAIT_SECONDS)
    seconds = min((it for it in (given, place.longest(task)) if it is not None), default=DAY_SECONDS)
    goes_on = options.flag("continue_on_timeout", False)
    call = Call(
        place.name,
        place.comment,
        service="aws-sdk:s3:headObject",
        arguments=where,
        guards=tuple(options.guards),
        again=(looks(seconds),),
        polls=True,
        stores=STORES,
        answer=8_000,  # 2,048 of user metadata, the rest is headers
        late=_late(where),
        excused=(MISSING,) if goes_on else (),
        instead=LATE,
    )
    return place.invoke(task, call, ("s3.last_object",))


def looks(seconds: int) -> Again:
    """Return how often to look again, so that the last look is at the time-out or a few seconds after it."""
    first, count = min(FIRST_SECONDS, seconds), 1
    while _waited(first, count, MOST_SECONDS) < seconds:
        count += 1 if count < _GROWING else max(1, (seconds - int(_waited(first, count, MOST_SECONDS))) // MOST_SECONDS)
    fits = (most for most in range(first, MOST_SECONDS + 1) if _waited(first, count, most) >= seconds)
    return Again((MISSING,), count, first, RATE, next(fits, MOST_SECONDS))


def _waited(first: int, count: int, most: int) -> float:
    """Return the seconds that so many waits take together; after `_GROWING` of them each takes the most."""
    growing = sum(min(first * RATE**number, most) for number in range(min(count, _GROWING)))
    return growing + max(0, count - _GROWING) * most


def _late(where: dict[str, object]) -> str:
    """Return JSONata of the message when the object is still missing."""
    bucket, key = where["Bucket"], where["Key"]
    if isinstance(bucket, str) and isinstance(key, str):
        return literal(f"Object '{bucket}/{key}' does not yet exist")
    code = [it.code if isinstance(it, Computed) else literal(it) for it in (bucket, key)]
    return f"'Object \\u0027'&{code[0]}&'/'&{code[1]}&'\\u0027 does not yet exist'"


def _where(options: Options) -> dict[str, object] | None:
    """Return bucket and key; None after noting a mistake."""
    task, place = options.task, options.place
    own = [name for name in ("bucket", "key") if name in task.options]
    if task.argument is None:
        bucket, key = options.text("bucket"), options.text("key")
        if bucket is None or key is None:
            at = task.operator_at or task.at
            place.problem(at, "SD490", "s3_wait> needs bucket/key", "s3_wait>: my-bucket/my-key", len("s3_wait>"))
            return None
        return {"Bucket": bucket, "Key": key}
    if own:
        node = task.options[own[0]]
        text = f"s3_wait> has both 'bucket/key' and '{own[0]}'"
        place.problem(node.at, "SD490", text, "write one of the two", node.length)
        return None
    value = printed(options.filled(task.argument, long=True)) if isinstance(task.argument, Scalar) else None
    if isinstance(value, dict) and "parts" in value:
        return _parted(value["parts"])
    bucket, slash, key = str(value or "").partition("/")
    if not slash or not bucket or not key or isinstance(value, dict):
        place.problem(
            task.argument.at, "SD490", "s3_wait> needs bucket/key", "s3_wait>: my-bucket/my-key", task.argument.length
        )
        return None
    return {"Bucket": bucket, "Key": key}


def _parted(parts: list[object]) -> dict[str, object]:
    """Return bucket and key of a text in parts: the bucket is known where the text before the first `/` is."""
    head = "".join(map(str, takewhile(lambda it: isinstance(it, str), parts)))
    rest = [*dropwhile(lambda it: isinstance(it, str), parts)]
    codes = [it.code if isinstance(it, Computed) else literal(it) for it in rest]
    guards = tuple(guard for it in rest if isinstance(it, Computed) for guard in it.guards)
    bucket, slash, begun = head.partition("/")
    if slash and bucket:
        return {"Bucket": bucket, "Key": Computed(_joined([*([literal(begun)] if begun else []), *codes]), guards)}
    code = _joined([*([literal(head)] if head else []), *codes])
    return {
        "Bucket": Computed(f"$substringBefore({code},'/')", guards),
        "Key": Computed(f"$substringAfter({code},'/')", guards),
    }


def _joined(codes: list[str]) -> str:
    return f"({'&'.join(codes)})" if len(codes) > 1 else codes[0]


def _held(bucket: object, options: Options) -> object:
    """Return a bucket that only the run knows as one of `buckets`: rights are given for names (docs/iam.md)."""
    node = options.node("buckets")
    if node is None or not isinstance(bucket, Computed):
        return bucket
    items = node.items if isinstance(node, Sequence) else ()
    names = [str(options.place.constant(item, "'buckets' of s3_wait>")) for item in items]
    if not names or not all(map(_BUCKET.match, names)):
        text = "'buckets' of s3_wait> must be a list of names of buckets"
        options.place.problem(node.at, "SD490", text, "buckets: [in-a, in-b]", node.length)
        return bucket
    listed = ",".join(map(literal, names))
    refusal = "$error('s3_wait> may not look in the bucket '&$b&': it is none of its buckets')"
    return Computed(f"($b:={bucket.code};$b in [{listed}]?$b:{refusal})", bucket.guards)
