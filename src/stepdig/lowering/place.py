"""What an operator is given: the place of its task, with the values of its options there; `lower` adds loops and calls."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stepdig import plan
from stepdig.expressions import contexts, translate
from stepdig.jsonata_text import field as field_of
from stepdig.jsonata_text import literal
from stepdig.language import model
from stepdig.language.job import Job
from stepdig.language.model import Task
from stepdig.lowering import picks, plain, secret_keys
from stepdig.lowering.bundle import compiled_task, stored_task
from stepdig.lowering.files import holds
from stepdig.lowering.outside import refuse_outside
from stepdig.lowering.picks import pick
from stepdig.lowering.sizes import sizes
from stepdig.lowering.syntax import check_templates
from stepdig.lowering.values import Values
from stepdig.naming.draft import TOP, LoopDraft, Storing
from stepdig.naming.iterations import element
from stepdig.naming.scopes import ErrorLayer, Scope, Store, StoresLayer
from stepdig.problem import Position, did_you_mean
from stepdig.source import secrets, tree
from stepdig.source.tree import Mapping, Node, Scalar

BRIEF_ERROR_CHARS = 1_200  # of what a handler's command is given of an error; `bounds` counts on it
Meaning = TypeVar("Meaning", translate.Translated, contexts.Boolean, contexts.Checked)
NARROWED_CHARS = 250_000  # of the names of a list, which the first state must hold to check `only`
LowerTask = Callable[[Task, Scope, str], tuple[plan.Step, tuple[Store, ...]]]


@dataclass(slots=True)
class Here(Values):
    """The `Place` of one task; `stores` gathers the tasks in it that later ones see the stores of."""

    lower: LowerTask
    stores: list[Store] = field(default_factory=list, kw_only=True)

    def read(self, path: str) -> bytes | None:
        """Return a file of the project, relative to the directory of the workflow."""
        joined = posixpath.normpath(posixpath.join(self.scope.directory, path))
        return None if joined.startswith(("..", "/")) else self.scope.draft.read(joined)

    def no_file(self, node: Node, path: str, code: str = "SD442") -> None:
        """Note that a file is not in the project, with one that is there under nearly that name, else with what it holds."""
        folder, name = posixpath.split(posixpath.normpath(posixpath.join(self.scope.directory, path)))
        near = did_you_mean(name, self.scope.draft.folder(folder), 0.75)
        start = path[: len(path) - len(posixpath.basename(path))]
        hint = near.replace("'", f"'{start}", 1) if near else holds(self.task.operator or "", path)
        self.problem(node.at, code, f"there is no file '{path}' in the project", hint, node.length)

    def template(self, node: Node, path: str) -> Scalar | None:
        """Return a text file of the project as a scalar, its `${...}` to be evaluated; notes what is wrong with it."""
        content = self.read(path)
        if content is None:
            self.no_file(node, path)
            return None
        joined = posixpath.normpath(posixpath.join(self.scope.directory, path))
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            self.problem(node.at, "SD442", f"'{path}' is not UTF-8 text", "", node.length)
            return None
        whole = Scalar(
            Position(joined, 0, 1), text, text, "|", 1, f"|\n{text}"
        )  # as a block whose first line is line 1
        secrets.find(whole, self.scope.draft.problems)
        return whole

    def load(self, node: Node, path: str) -> Node | None:
        """Return a YAML file of the project as located nodes; notes what is wrong with it."""
        content = self.read(path)
        if content is None:
            self.no_file(node, path)
            return None
        draft = self.scope.draft
        joined = posixpath.normpath(posixpath.join(self.scope.directory, path))
        before = len(draft.problems)
        loaded = tree.load_any(content, joined, draft.read, draft.problems)
        if loaded is None and len(draft.problems) == before:
            hint = holds(self.task.operator or "", path)
            self.problem(node.at, "SD442", f"'{path}' is empty", hint, node.length)
        if loaded is not None:
            secrets.find(loaded, draft.problems)
        return loaded

    def body(self, task: Task, name: str) -> plan.Step:
        """Return `_do` or `_else_do`; a step that does nothing when absent."""
        body = task.bodies.get(name)
        if body is None:
            return plan.Sequence(self.name, self.comment)
        step, stores = self.lower(body, self.scope, "^sub")
        self.stores.extend(stores)
        return step

    def command(self, task: Task, *, stores: bool, filled: tuple[Node, ...] = ()) -> plan.Command:
        """Return the command task, its parameters noted for the task runner; `filled` are files it puts secrets in."""
        return self._command(task, pick(self), stores=stores, filled=filled)

    def image(self, task: Task, job: Job | None, command: tuple[Node, ...], own: Mapping | None) -> plan.Command | None:
        """Return the command task that runs a plain image; `job` is one that the task describes, `own` its environment.

        None after noting that the job that it picks is none of a plain image.
        """
        draft = self.scope.draft
        name = pick(self, plain=True) if job is None else draft.imply(job)
        made = draft.job(name)
        if not made.plain:
            at, length = task.operator_at or task.at, len(task.operator or "") + 1
            what = f"{task.operator}> runs an image as it is, and job '{name}' does not say so"
            hint = "plain: true in its job.yml, or sh>, which has the task runner"
            self.problem(at, "SD624", what, hint, length)
            return None
        given = plan.Plain(made.container, tuple(plain.texts(self, command)), plain.environment(self, own))
        return self._command(task, name, stores=False, given=given)

    def _command(
        self,
        task: Task,
        job: str,
        *,
        stores: bool,
        filled: tuple[Node, ...] = (),
        given: plan.Plain | None = None,
    ) -> plan.Command:
        made = self.scope.draft.job(job)
        check_templates(task, self.scope, self.scope.draft.problems)
        refuse_outside(task, self.scope, self.scope.draft.problems)
        layers = tuple(layer for layer in self.scope.layers if not isinstance(layer, StoresLayer))
        unstored = replace(self, scope=replace(self.scope, layers=layers))
        secret = secret_keys.of_task(task, self.scope, filled, unstored._piece, self.problem)
        entry = compiled_task(task, self.scope, self.comment, job, secret)
        files = picks.state(self, made)
        more = ({"state": files} if files else {}) | ({"plain": True} if made.plain else {})
        self.scope.draft.tasks[self.name] = {**entry, **more}
        if made.plain and given is None:
            given = plain.shell(self, made, secret, stores=stores)
        if stores:
            self.stores.append(Store(self.name, self.scope.loops, self.scope.frame))
        return plan.Command(
            self.name,
            self.comment,
            job,
            self.native_retry(task),
            indexes(self.scope),
            self.scope.run,
            _given(self.scope),
            self.scope.variable("network", TOP),
            self.scope.variable("faults", TOP),
            stores,
            self.time_limit(task, made.timeout),
            sizes=sizes(self),
            capacity=made.capacity,
            plain=given,
            limited=task.timeout is None and made.timeout is not None and not self.scope.deadlines,
        )

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.scope.draft.project

    @property
    def prefix(self) -> str:
        """JSONata of the prefix of the run's objects in the bucket of the stack."""
        return f"{self.scope.run}.prefix"

    def looked(
        self, name: str, bucket: str, prefix: plan.Value, empties: str = ""
    ) -> tuple[plan.Looked, plan.Condition]:
        """Return a step that looks for objects below a prefix, or empties it, and the condition that there are any."""
        self.scope.draft.looks += 1
        variable = f"objects{self.scope.draft.looks}"
        guards = prefix.guards if isinstance(prefix, plan.Computed) else ()
        step = plan.Looked(name, self.comment, bucket, prefix, guards, variable, empties)
        return step, plan.Condition(f"$count({self.scope.variable(variable, self.scope.frame)})>0", None)

    def longest(self, task: Task) -> int | None:
        """Return the seconds that the task may take at most, as far as that is known: its own `_timeout`, its groups'."""
        known = [*([task.timeout] if task.timeout is not None else []), *(it.seconds for it in self.scope.deadlines)]
        return min(known, default=None)

    def other_names(self, task: Task) -> dict[str, str]:
        """Return the names that `_secrets` gives to secrets, with the key of each."""
        return secret_keys.remounted(task.options.get("_secrets"), self.problem)

    def invoke(self, task: Task, call: plan.Call, stores: Collection[str] = ()) -> plan.Call:
        """Return a call with what its place adds; one that stores is noted for later readers, with the paths it stores."""
        if call.stores:
            entry = stored_task(task, self.scope, self.comment)
            self.scope.draft.storing[self.name] = Storing(self.scope.frame, entry)
            self.stores.append(Store(self.name, self.scope.loops, self.scope.frame, names=frozenset(stores)))
        return replace(
            call,
            retry=None if call.polls else self.native_retry(task),
            timeout=self.time_limit(task),
            index=indexes(self.scope),
            run=self.scope.run,
        )

    def narrowed(self, path: str, names: Iterable[str], *, ours: bool) -> str:
        """Return JSONata of the names that `only` asks for in the list of a loop; "" where `only` means no list.

        It does where the list, or the workflow by its params:, is `ours`: to Digdag `only` is a parameter like any other.
        """
        scope, found = self.scope, tuple(names)
        declared = [it for defaults in scope.defaults for it in defaults.inputs]
        if not (ours or any(it.checked for it in scope.defaults)) or any(it.name == "only" for it in declared):
            return ""
        if self.names.exported(("only",)) is not None or sum(map(len, found)) > NARROWED_CHARS:
            return ""
        scope.draft.lists[path] = found
        return f"{scope.variable('only', TOP)}.{field_of(path)}"

    def retry(self, task: Task) -> plan.Retry | None:
        """Return `_retry` as the plan has it."""
        it = task.retry
        if it is None:
            return None
        most = None if it.max_interval is None else self.number(it.max_interval)
        return plan.Retry(self.number(it.limit), self.number(it.interval), most, it.exponential)

    def native_retry(self, task: Task) -> plan.Retry | None:
        """Return `_retry` where the Retry field of a Task can say it; else `lower` puts a counter around the task."""
        retry = self.retry(task)
        return retry if retry is not None and retry.native else None

    def time_limit(self, task: Task, otherwise: int | None = None) -> plan.Number | None:
        """Return the seconds that one try of the task may take: its own `_timeout` or its job's, what is left to groups."""
        own = task.timeout if task.timeout is not None else otherwise
        left = self.scope.remaining(own)
        if not self.scope.deadlines:
            return own
        return plan.Computed(left[0] if len(left) == 1 else f"$min([{','.join(left)}])")


def retry_of(retry: model.Retry | None) -> plan.Retry | None:
    """Return `_retry` of a group, which has no templates, as the plan has it."""
    if retry is None:
        return None
    assert isinstance(retry.limit, int)
    assert isinstance(retry.interval, int)
    assert retry.max_interval is None or isinstance(retry.max_interval, int)
    return plan.Retry(retry.limit, retry.interval, retry.max_interval, retry.exponential)


def indexes(scope: Scope, *, unnumbered: bool = False) -> tuple[str, ...]:
    """Return JSONata for the index of each loop around, as in the keys of a task's outputs.

    Where tasks store, the state input has the number; `unnumbered` is for keys that are needed elsewhere, too.
    """
    return tuple(_index(scope.draft.loops[loop], unnumbered) for loop in scope.loops)


def _index(loop: LoopDraft, unnumbered: bool) -> str:
    """Return JSONata for the index of the current iteration."""
    key = str(loop.variables[0]["input"])
    if loop.operator == "loop":
        return f"$states.input.{key}"
    if loop.operator == "for_range":
        return f"$states.input.{key}.index"
    if unnumbered and not loop.numbered:
        return element(loop, 0)
    return f"$states.input.{field_of(key + '#')}"


def _given(scope: Scope) -> str:
    """Return JSONata for what `STEPDIG_RUN` holds: the run object, the loop variables, the error a handler sees."""
    run, parts = scope.run, []
    if scope.loops:
        inner = "$states.input"
        if run != "$run":  # beside the loop variables it holds what child executions are given
            keys = [key for name in scope.loops for key in scope.draft.loops[name].keys]
            inner = "{" + ",".join(f"{literal(key)}:$states.input.{field_of(key)}" for key in keys) + "}"
        parts.append(f"'loop':{inner}")
    errors = [layer for layer in scope.layers if isinstance(layer, ErrorLayer)]
    if errors:
        parts.append(f"'error':{_brief(scope.variable(errors[-1].variable, errors[-1].frame))}")
    return f"$merge([{run},{{{','.join(parts)}}}])" if parts else run


def _brief(error: str) -> str:
    """Return JSONata for as much of an error as an override has room for, in which a character may take seven."""
    fits = f"function($e){{$length($string([$string($e)]))<={BRIEF_ERROR_CHARS}}}"
    cut = f"function($n){{{{'message':$substring({error}.message,0,$n),'stacktrace':$substring({error}.stacktrace,0,$n)}}}}"
    return f"($f:={fits};$c:={cut};$f({error})?{error}:$f($c(400))?$c(400):$c({BRIEF_ERROR_CHARS // 15}))"
