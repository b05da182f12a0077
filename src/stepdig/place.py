"""What an operator is given: the place of its task, with the values of its options there; `lower` adds loops and calls."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stepdig import model, payloads, plan, secret_keys, secrets, tree
from stepdig.bundle import compiled_task, stored_task
from stepdig.draft import TOP, LoopDraft, Storing
from stepdig.expressions import contexts, translate
from stepdig.expressions.errors import ExpressionError
from stepdig.expressions.shapes import NOT_CONSTANT
from stepdig.jsonata_text import field as field_of
from stepdig.jsonata_text import literal
from stepdig.model import Task
from stepdig.problem import Position, did_you_mean
from stepdig.resolve import Names, as_code, guards
from stepdig.scopes import ErrorLayer, Scope, Store
from stepdig.tree import Mapping, Node, Scalar, Sequence

Meaning = TypeVar("Meaning", translate.Translated, contexts.Boolean, contexts.Checked)
LowerTask = Callable[[Task, Scope, str], tuple[plan.Step, tuple[Store, ...]]]


@dataclass(slots=True)
class Here:
    """The `Place` of one task; `stores` gathers the tasks in it that later ones see the stores of.

    `earlier` are values that the operator names itself: earlier lists of a `for_each>`.
    """

    task: Task
    scope: Scope
    name: str
    comment: str
    lower: LowerTask
    earlier: dict[str, Node] = field(default_factory=dict)
    stores: list[Store] = field(default_factory=list)

    @property
    def names(self) -> Names:
        """The names of this scope, with the keys of the task that stand before its operator."""
        at = self.task.operator_at or self.task.at
        before = {key: node for key, node in self.task.options.items() if key[0] != "_" and _before(node.at, at)}
        return Names(self.scope, {**before, **self.earlier})

    def problem(self, at: Position, code: str, text: str, hint: str = "", length: int = 1) -> None:
        """Note a user's mistake."""
        self.scope.draft.problems.add(at, code, text, hint, length)

    def required(self, task: Task) -> Node | None:
        """Return the task's argument, noting a mistake when there is none."""
        if task.argument is None:
            at = task.operator_at or task.at
            self.problem(at, "SD402", f"{task.operator}> needs a value", "", len(task.operator or "") + 1)
        return task.argument

    def text(self, node: Node) -> plan.Value:
        """Return a scalar's text, templates evaluated."""
        if not isinstance(node, Scalar):
            self.problem(
                node.at, "SD403", f"{self.task.operator}> needs a text here", "quote it if it is meant as text"
            )
            return plan.Constant("")
        if not isinstance(node.value, str):
            return plan.Constant("" if node.value is None else _printed(node.value))
        done = self._translated(node, translate.text)
        if done is None:
            return plan.Constant("")
        return plan.Computed(done.code, tuple(done.guards)) if done.const is NOT_CONSTANT else plan.Constant(done.const)

    def integer(self, node: Node) -> plan.Value:
        """Return a whole number as `loop>` reads one; floats are cut."""
        if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return plan.Constant(int(node.value))
        if isinstance(node, Scalar) and isinstance(node.value, str):
            done = self._translated(node, contexts.integer)
            if done is None or isinstance(done.const, int):
                return plan.Constant(done.const if done else 0)
            if done.const is NOT_CONSTANT:
                return _checked(done, f"{self.name} needs a whole number")
        shown = f", not {node.text!r}" if isinstance(node, Scalar) else ""
        self.problem(node.at, "SD404", f"{self.task.operator}> needs a whole number{shown}", "", node.length)
        return plan.Constant(0)

    def payload(self, node: Node, *, long: bool = False) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON for a function, secrets named (`payloads`); a `long` text in parts."""
        try:
            if long and isinstance(node, Scalar) and isinstance(node.value, str):
                return payloads.segments(node, self._piece)
            return payloads.payload(node, self._piece)
        except payloads.SecretUnclear as unclear:
            hint = "write ${secret:name} itself, in the task or in an export of text alone"
            self.problem(unclear.node.at, "SD481", str(unclear), hint, unclear.node.length)
            return "", ()

    def _piece(self, node: Scalar, start: int, end: int) -> plan.Value:
        """Return a part of a scalar's text, templates evaluated."""

        def translated(source: str, names: Names, zone: translate.Zone) -> translate.Translated:
            try:
                return translate.text(source[start:end], names, zone)
            except ExpressionError as error:
                raise error.moved(start) from None

        done = self._translated(node, translated)
        if done is None:
            return plan.Constant("")
        return plan.Computed(done.code, tuple(done.guards)) if done.const is NOT_CONSTANT else plan.Constant(done.const)

    def exported(self, *path: str) -> Node | None:
        """Return what the nearest `_export` that has it holds under a path."""
        return self.names.exported(path)

    def condition(self, node: Node, what: str = "if>") -> plan.Condition | None:
        """Return the tests of an `if>` or a switch; None after noting a mistake."""
        if isinstance(node, Scalar) and isinstance(node.value, bool | int):
            return plan.Condition("true" if node.value else "false", None)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            done = self._translated(node, contexts.boolean)
            if done is None:
                return None
            if isinstance(done.const, bool):
                return plan.Condition("true" if done.const else "false", None)
            if done.const is NOT_CONSTANT:
                message = f"'{what} of {self.name} needs true or false, but got '&{done.text}"
                return plan.Condition(done.true, done.false, message, tuple(done.guards))
        shown = f", but got {node.text!r}" if isinstance(node, Scalar) else ""
        text = f"{what} needs true or false{shown}"
        self.problem(node.at, "SD422", text, "compare it: ${x == 1}", node.length)
        return None

    def items(self, node: Node) -> plan.Value:
        """Return a list as `for_each>` reads one: known rows, or JSONata."""
        if isinstance(node, Sequence):
            try:
                value = self.names.value(node)
            except ExpressionError as error:
                self._expression(node, error)
                return plan.Constant([])
            if isinstance(value, translate.Known):
                return plan.Constant(value.value)
            return plan.Computed(as_code(value), guards(value))
        if isinstance(node, Scalar) and isinstance(node.value, str):
            done = self._translated(node, contexts.items)
            if done is None or isinstance(done.const, list):
                return plan.Constant(done.const if done else [])
            if done.const is NOT_CONSTANT:
                return _checked(done, f"{self.name} needs a list")
        hint = "write [a, b], ${a stored list} or {file: source_table/shop.json}"
        self.problem(node.at, "SD452", "the values of for_each> are lists", hint, node.length)
        return plan.Constant([])

    def structure(self, node: Node) -> tuple[object, tuple[tuple[str, str], ...]]:
        """Return a node as JSON, with `plan.Computed` for what the machine computes, and the guards of that."""
        if isinstance(node, Mapping):
            pairs = [(str(key.value), self.structure(value)) for key, value in node]
            return {key: it[0] for key, it in pairs}, tuple(guard for _, it in pairs for guard in it[1])
        if isinstance(node, Sequence):
            parts = [self.structure(item) for item in node.items]
            return [it[0] for it in parts], tuple(guard for it in parts for guard in it[1])
        if not isinstance(node.value, str) or "$" not in node.value:
            return node.value, ()
        value = self.text(node)
        return (value.value, ()) if isinstance(value, plan.Constant) else (value, value.guards)

    def constant(self, node: Node, what: str) -> object:
        """Return a node's value that must be known when compiling; None after noting that it is not."""
        if isinstance(node, Scalar) and not isinstance(node.value, str):
            return node.value
        value = self.text(node) if isinstance(node, Scalar) else plan.Computed("")
        if isinstance(value, plan.Constant):
            return value.value
        text = f"{what} must be known when compiling"
        self.problem(node.at, "SD405", text, "write it out, or take it from _export", node.length)
        return None

    def _translated(self, node: Scalar, function: Callable[[str, Names, translate.Zone], Meaning]) -> Meaning | None:
        """Return what a template means here; None after noting a mistake in it where it stands."""
        try:
            done = function(str(node.value), self.names, self.scope.zone)
        except ExpressionError as error:
            self._expression(node, error)
            return None
        self.scope.draft.needs_zone |= done.needs_tz
        return done

    def _expression(self, node: Node, error: ExpressionError) -> None:
        """Note a mistake in an expression of a scalar."""
        own = node.position(error.start) if isinstance(node, Scalar) else node.at
        at = error.place if isinstance(error.place, Position) else own
        self.problem(at, "SD301", error.message, error.hint or "", max(1, (error.end or 0) - error.start))

    def read(self, path: str) -> bytes | None:
        """Return a file of the project, relative to the directory of the workflow."""
        joined = posixpath.normpath(posixpath.join(self.scope.directory, path))
        return None if joined.startswith(("..", "/")) else self.scope.draft.read(joined)

    def template(self, node: Node, path: str) -> Scalar | None:
        """Return a text file of the project as a scalar, its `${...}` to be evaluated; notes what is wrong with it."""
        content = self.read(path)
        if content is None:
            self.problem(node.at, "SD442", f"there is no file '{path}' in the project", "", node.length)
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
            self.problem(node.at, "SD442", f"there is no file '{path}' in the project", "", node.length)
            return None
        draft = self.scope.draft
        joined = posixpath.normpath(posixpath.join(self.scope.directory, path))
        loaded = tree.load(content, joined, draft.read, draft.problems)
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
        job = self._job()
        secret = secret_keys.of_task(task, self.scope, filled, self._piece, self.problem)
        self.scope.draft.tasks[self.name] = compiled_task(task, self.scope, self.comment, job, secret)
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
            stores,
            self.time_limit(task),
        )

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.scope.draft.project

    def longest(self, task: Task) -> int | None:
        """Return the seconds that the task may take at most, as far as that is known: its own `_timeout`, its groups'."""
        known = [*([task.timeout] if task.timeout is not None else []), *(it.seconds for it in self.scope.deadlines)]
        return min(known, default=None)

    def invoke(self, task: Task, call: plan.Call) -> plan.Call:
        """Return a call with what its place adds; a call that stores is noted for later readers."""
        if call.stores:
            entry = stored_task(task, self.scope, self.comment)
            self.scope.draft.storing[self.name] = Storing(self.scope.frame, entry)
            self.stores.append(Store(self.name, self.scope.loops, self.scope.frame))
        return replace(
            call,
            retry=None if call.polls else self.native_retry(task),
            timeout=self.time_limit(task),
            index=indexes(self.scope),
            run=self.scope.run,
        )

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

    def number(self, value: model.Number) -> plan.Number:
        """Return a number of a directive, or what its template gives when the task runs."""
        if isinstance(value, int):
            return value
        number = self.integer(value)
        return number if isinstance(number, plan.Computed) else int(str(number.value))

    def time_limit(self, task: Task) -> plan.Number | None:
        """Return the seconds that one try of the task may take: its own `_timeout`, what is left to groups around."""
        left = self.scope.remaining(task.timeout)
        if not self.scope.deadlines:
            return task.timeout
        return plan.Computed(left[0] if len(left) == 1 else f"$min([{','.join(left)}])")

    def _job(self) -> str:
        """Return the job of a command task: `ecs: {job: NAME}`, its own or an export's; "default" without one."""
        own = self.task.options.get("ecs")
        node = (own.get("job") if isinstance(own, Mapping) else None) or self.names.exported(("ecs", "job"))
        name = None if node is None else self.constant(node, "the job of a task")
        if node is None or name is None:
            return "default"
        known = self.scope.draft.jobs
        if known is not None and name != "default" and name not in known:
            hint = did_you_mean(str(name), known) or f"known jobs: {', '.join(sorted(known)) or 'none'}"
            self.problem(node.at, "SD406", f"there is no job '{name}' in jobs/", hint, node.length)
        return str(name)


def retry_of(retry: model.Retry | None) -> plan.Retry | None:
    """Return `_retry` of a group, which has no templates, as the plan has it."""
    if retry is None:
        return None
    assert isinstance(retry.limit, int)
    assert isinstance(retry.interval, int)
    assert retry.max_interval is None or isinstance(retry.max_interval, int)
    return plan.Retry(retry.limit, retry.interval, retry.max_interval, retry.exponential)


def _checked(done: contexts.Checked, message: str) -> plan.Computed:
    """Return the value of a template whose value must be of a kind."""
    return plan.Computed(done.code, (*done.guards, (done.valid, message)))


def _before(at: Position, other: Position) -> bool:
    """Return whether a place stands before another, included files counting as before."""
    return at.path != other.path or (at.line, at.column) < (other.line, other.column)


def _printed(value: bool | int | float) -> str:
    """Return a number or a boolean as Digdag prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def indexes(scope: Scope) -> tuple[str, ...]:
    """Return JSONata for the index of each loop around, as in the keys of a task's outputs."""
    return tuple(_index(scope.draft.loops[loop]) for loop in scope.loops)


def _index(loop: LoopDraft) -> str:
    """Return JSONata for the index of the current iteration, where the state input holds it."""
    key = str(loop.variables[0]["input"])
    if loop.operator == "loop":
        return f"$states.input.{key}"
    if loop.operator == "for_range":
        return f"$states.input.{key}.index"
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
        parts.append(f"'error':{scope.variable(errors[-1].variable, errors[-1].frame)}")
    return f"$merge([{run},{{{','.join(parts)}}}])" if parts else run
