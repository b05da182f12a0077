"""What the operators of Athena share: their options, the SQL of a task, one query as one call.

The options are those of digdag-operator-athena that mean something where the role of the state machine asks Athena.
https://github.com/civitaspo/digdag-operator-athena
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from stepdig import limits
from stepdig.jsonata_text import literal
from stepdig.language.declared import ANY, SECONDS, TEXT, Option, list_of, refused
from stepdig.language.model import Task
from stepdig.operators._options import Options
from stepdig.operators._registry import Place
from stepdig.plan import Again, Call, Computed, Constant, Value
from stepdig.source.tree import Node, Scalar, Sequence

SERVICE = "athena:startQueryExecution.sync"
TIMEOUT_SECONDS = 600  # the plug-in's
# What StartQueryExecution answers when it should be asked again: throttling, too many queries at once, Athena's own faults.
# https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
FAULTS = Again(
    ("Athena.TooManyRequestsException", "Athena.InternalServerException", "Athena.AmazonAthenaException"), 8, 2, 2, 60
)
# Step Functions reports a query that failed as JSON of the query; its reason is what a person reads.
SAID = (
    "($e:=$states.errorOutput;$c:=$e.Error='States.TaskFailed'?$e.Cause;"
    "$q:=$substring($c,0,1)='{' and $substring($c,-1)='}'?$parse($c);$q:=$exists($q.QueryExecution)?$q.QueryExecution:$q;"
    "$exists($q.Status.StateChangeReason)?{'Cause':$q.Status.StateChangeReason&' (query '&$q.QueryExecutionId&')'}:{})"
)
NAME = re.compile(r"[A-Za-z0-9_]{1,255}\Z")
_IN_NAMES = "/^[A-Za-z0-9_]{1,255}$/"
_BUCKET = re.compile(r"(s3://)?(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<prefix>[^'\"\\*?${}]*))?\Z")
_NO_QUOTE = re.compile(r"[\x00-\x1f'\"`\\;]")
_CREDENTIALS = (
    "auth_method", "profile_name", "profile_file", "use_http_proxy", "token_prefix",
)  # fmt: skip
_ELSEWHERE = ("region", "endpoint", "catalog_id")

SHARED = (
    Option("database", TEXT, "the database that names without one are of"),
    Option("databases", list_of(TEXT), "further databases that the SQL names: rights are given for them"),
    Option("buckets", list_of(TEXT), "where the data of its tables is, bucket or bucket/prefix: rights are given for them"),
    Option("workgroup", TEXT, "the workgroup; `primary` without it"),
    Option("catalog", TEXT, "the data catalog; `AwsDataCatalog` without it"),
    Option("output", TEXT, "s3://bucket/prefix/ for results; without it the workgroup's own, or the folder of the run"),
    Option("timeout", SECONDS, "how long one query may take; 10m without it"),
    *(Option(name, ANY, "without meaning here: the role of the state machine asks") for name in _CREDENTIALS),
    *(Option(name, refused("Athena is asked in the workflow's region and account"), "not supported") for name in _ELSEWHERE),
)  # fmt: skip


def options(task: Task, place: Place) -> Options:
    """Return the options of a task, those of another account or region noted as mistakes."""
    found = Options(task, place, ("athena",))
    for name in _ELSEWHERE:
        node = found.node(name)
        if node is not None:
            hint = "remove it; queries elsewhere: py> with boto3"
            place.problem(node.at, "SD433", f"'{name}' of {task.operator}> is not supported", hint, node.length)
    return found


@dataclass(slots=True)
class Queries:
    """The queries of one task, which share database, workgroup, output and time limit."""

    options: Options

    def call(
        self, name: str, sql: Value, *, into: str = "", stores: str = "", answer: int = 0, data: bool = True
    ) -> Call:
        """Return one query as a call, without what its place adds; `into` is where it writes data, as far as that is known.

        Without `data` it touches the catalog alone.
        """
        place = self.options.place
        arguments: dict[str, object] = {"QueryString": self._held(sql, into, data)}
        context = {"Catalog": self.options.text("catalog"), "Database": self.options.text("database")}
        if any(it is not None for it in context.values()):
            arguments["QueryExecutionContext"] = {key: it for key, it in context.items() if it is not None}
        if self.options.given("workgroup"):
            arguments["WorkGroup"] = self.options.text("workgroup")
        output = self._output()
        if output is not None:
            arguments["ResultConfiguration"] = {"OutputLocation": output}
        guards = dict.fromkeys((*self.options.guards, *(sql.guards if isinstance(sql, Computed) else ())))
        return Call(
            name,
            place.comment,
            service=SERVICE,
            arguments=arguments,
            guards=tuple(guards),
            again=(FAULTS,),
            said=SAID,
            stores=stores,
            answer=answer,
        )

    def placed(self, call: Call, stores: tuple[str, ...] = (), *, retried: bool = True) -> Call:
        """Return a call with what its place adds; its time limit is the nearer of `timeout` and `_timeout`."""
        seconds = self.options.seconds("timeout", limits.TIMEOUT_SECONDS) or TIMEOUT_SECONDS
        made = self.options.place.invoke(self.options.task, call, stores)
        own = made.timeout
        if isinstance(own, Computed):
            timeout: int | Computed = Computed(f"$min([{seconds},{own.code}])", own.guards)
        else:
            timeout = seconds if own is None else min(own, seconds)
        return replace(made, timeout=timeout, retry=made.retry if retried else None)

    def _held(self, sql: Value, into: str, data: bool) -> object:
        """Return the SQL; buckets and databases stand with it in an expression, since rights are derived from that."""
        held = {
            "$data": self.places("buckets") if data else None,
            "$into": [into] if into else None,
            "$databases": self._databases() or None,
        }
        bound = "".join(f"{name}:={literal(found)};" for name, found in held.items() if found is not None)
        if isinstance(sql, Constant):
            return Computed(f"({bound}$sql:={literal(sql.value)})") if bound else sql.value
        return Computed(f"({bound}$sql:={sql.code})", sql.guards)

    def places(self, name: str) -> list[str] | None:
        """Return buckets, or buckets with a prefix, as the option lists them; None where it is not given."""
        found = self._constants(name)
        if found is None:
            return None
        made = []
        for node, text in found:
            match = _BUCKET.match(text)
            if match is None:
                hint = "write my-bucket, or my-bucket/prefix/"
                self.options.place.problem(node.at, "SD434", f"'{text}' is no bucket", hint, node.length)
                continue
            made.append(f"{match['bucket']}/{match['prefix'] or ''}")
        return made

    def _databases(self) -> list[str]:
        found = self._constants("databases") or []
        for node, text in found:
            if not NAME.match(text):
                self.options.place.problem(
                    node.at, "SD434", f"'{text}' is no name of a database", "letters, digits and _", node.length
                )
        return [text for _, text in found]

    def _constants(self, name: str) -> list[tuple[Node, str]] | None:
        node = self.options.node(name)
        if node is None:
            return None
        items = node.items if isinstance(node, Sequence) else (node,)
        what = f"'{name}' of {self.options.task.operator}>"
        return [(it, str(value)) for it in items if (value := self.options.place.constant(it, what)) is not None]

    def _output(self) -> object:
        """Return where results go: `output`, the workgroup's own place (None), or the folder of the run."""
        if self.options.given("output"):
            return self.options.text("output")
        if self.options.given("workgroup"):
            return None
        return Computed(f"'s3://${{Bucket}}/'&{self.options.place.prefix}&'/athena/'")


def sql(found: Options, node: Scalar) -> Value | None:
    """Return the SQL of a task: its text, or that of the file it names; None after noting a mistake."""
    place, written = found.place, str(node.value).strip()
    if not re.search(r"\s", re.sub(r"\$\{[^}]*\}", "", written)):
        value = place.text(node)
        if not isinstance(value, Constant):
            hint = "name the file without ${...}, or write one task for each; its text may hold ${...}"
            place.problem(node.at, "SD432", "which file holds the SQL must be known when compiling", hint, node.length)
            return None
        written = str(value.value).strip()
        if written.startswith("s3://"):
            hint = "put the file into the project"
            place.problem(node.at, "SD432", "SQL in S3 is not read", hint, node.length)
            return None
        if re.search(r"\s", written):  # all of it is a constant of an export
            return _whole(found, node, node)
        file = place.template(node, written)
        if file is None:
            return None
        return _whole(found, file, node)
    return _whole(found, node, node)


def _whole(found: Options, text: Scalar, node: Scalar) -> Value | None:
    """Return a text as SQL, each `${...}` by itself, without the semicolon at its end; None after noting a mistake at `node`.

    As one expression a long text would be more than the translation takes.
    """
    place = found.place
    given = found.filled(text, long=True) if "${secret:" not in str(text.value) else {"parts": [{}]}
    parts = given["parts"] if isinstance(given, dict) and "parts" in given else [given]
    if any(isinstance(it, dict) for it in parts):
        what = "a secret has no place in SQL, which Athena shows and keeps"
        place.problem(node.at, "SD432", what, "remove it", node.length, secret=True)
        return None
    last = parts[-1]
    if not isinstance(last, Computed):
        parts = [*parts[:-1], str(last).rstrip("; \t\r\n")]
    value = joined(*(it if isinstance(it, Computed) else str(it) for it in parts))
    known = str(value.value) if isinstance(value, Constant) else value.code
    if not known.strip():
        place.problem(node.at, "SD432", "there is no SQL", "such as athena.query>: queries/clicks.sql", node.length)
        return None
    size = sum(len(str(it).encode()) for it in parts if not isinstance(it, Computed))
    if size > limits.QUERY_BYTES:
        words = f"the SQL has {size:,} bytes; a query of a state may have {limits.QUERY_BYTES:,}"
        place.problem(node.at, "SD435", words, "split it, or make views of its parts", node.length)
        return None
    return value


def name(found: Options, option: str) -> Value | None:
    """Return a name of a database, a table or a column that must be given; the run checks what only it knows."""
    node = found.node(option)
    if node is None:
        at = found.task.operator_at or found.task.at
        words = f"{found.task.operator}> needs '{option}'"
        found.place.problem(at, "SD436", words, f"{option}: name", len(found.task.operator or "") + 1)
        return None
    return named(found, node, f"'{option}' of {found.task.operator}>")


def named(found: Options, node: Node, what: str) -> Value | None:
    """Return a name: letters, digits and `_`, so that no name ends the quotes around it."""
    value = found.place.text(node)
    if isinstance(value, Computed):
        return _held(value, f"$contains({value.code},{_IN_NAMES})", f"{what} must be a name of letters, digits and _")
    if not NAME.match(str(value.value)):
        found.place.problem(node.at, "SD434", f"{what} cannot be '{value.value}'", "letters, digits and _", node.length)
        return None
    return value


def quoted(found: Options, node: Node, what: str) -> Value | None:
    """Return a value to stand between quotes: without quotes, backslashes, semicolons and control characters."""
    value = found.place.text(node)
    if isinstance(value, Computed):
        return unquoted(value, what)
    if _NO_QUOTE.search(str(value.value)):
        hint = "no quotes, backslashes, semicolons or control characters"
        found.place.problem(node.at, "SD434", f"{what} cannot be '{value.value}'", hint, node.length)
        return None
    return value


def unquoted(value: Computed, what: str) -> Computed:
    """Return a value with which the run fails where it holds what could end the quotes around it."""
    message = f"{what} may hold no quotes, backslashes, semicolons or control characters"
    return _held(value, f"$not($contains({value.code},/['\"`\\\\;]|[\\x00-\\x1f]/))", message)


def _held(value: Computed, test: str, message: str) -> Computed:
    """Return a value with one more test of it."""
    return Computed(value.code, (*value.guards, (test, message)))


def joined(*parts: str | Value) -> Value:
    """Return texts and values as one text."""
    known = [str(it.value) if isinstance(it, Constant) else it for it in parts]
    if all(isinstance(it, str) for it in known):
        return Constant("".join(map(str, known)))
    codes, text = [], ""
    for it in known:
        if isinstance(it, str):
            text += it
            continue
        if text:
            codes.append(literal(text))
        assert isinstance(it, Computed)
        codes.append(it.code)
        text = ""
    if text:
        codes.append(literal(text))
    guards = tuple(guard for it in known if isinstance(it, Computed) for guard in it.guards)
    return Computed(f"({'&'.join(codes)})" if len(codes) > 1 else codes[0], guards)
