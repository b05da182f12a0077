"""`s3_wait>: bucket/key` waits until an object is there; nothing runs meanwhile, S3 is asked at growing intervals."""

from __future__ import annotations

from stepdig import limits
from stepdig.jsonata_text import literal
from stepdig.language.declared import FLAG, SECONDS, TEXT, VALUE, Option, refused
from stepdig.language.model import Task
from stepdig.operators._options import Options, printed
from stepdig.operators._registry import Place, nothing, operator
from stepdig.plan import Again, Call, Computed, Step
from stepdig.source.tree import Scalar

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


_OWN = refused("s3_wait> asks in the region of the workflow")


@operator(
    "s3_wait",
    argument=VALUE,
    options=(
        Option("bucket", TEXT, "with key, in place of bucket/key"),
        Option("key", TEXT, "with bucket, in place of bucket/key"),
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
    value = printed(options.filled(task.argument)) if isinstance(task.argument, Scalar) else None
    if isinstance(value, Computed):
        return {
            "Bucket": Computed(f"$substringBefore({value.code},'/')", value.guards),
            "Key": Computed(f"$substringAfter({value.code},'/')", value.guards),
        }
    bucket, slash, key = str(value or "").partition("/")
    if not slash or not bucket or not key or isinstance(value, dict):
        place.problem(
            task.argument.at, "SD490", "s3_wait> needs bucket/key", "s3_wait>: my-bucket/my-key", task.argument.length
        )
        return None
    return {"Bucket": bucket, "Key": key}
