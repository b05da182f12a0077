"""Where a state is being written: its neighbours, what ends output, where failures lead. And what every state shares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from stepdig import plan
from stepdig.jsonata_text import literal

State = dict[str, object]
_BRACES = re.compile(r"\{%|\$\{")
INPUT = "{% $states.input %}"  # every state hands the loop variables on


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the failure of a step leads: the state, whether it is noted first, and the states that noted one.

    `resumes` tells whether a redrive can lead back to the step: not from inside the item of a list, which runs anew.
    `counters` are the counters of tries inside, with their first values, which a redrive begins with.
    """

    state: str
    note: bool = True
    resumes: bool = True
    noted: list[str] = field(default_factory=list)
    counters: State = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tries:
    """The commands whose failures lead to the same place, and what the names of the states on the way begin with."""

    prefix: str = ""
    commands: list[plan.Command] = field(default_factory=list)

    def name(self, state: str) -> str:
        """Return the name of a state on that way."""
        return f"{self.prefix}{state}"

    @property
    def end(self) -> str:
        """The name of the end where a failure leads nowhere else."""
        return f"{self.prefix or 'run '}failed"


@dataclass(frozen=True, slots=True)
class Site:
    """One scope of variables being written, seen from one step.

    states      the states written so far in this Map, Parallel branch or top level
    frame       number of the scope of variables, 0 at the top
    frames      numbers of the plan's scopes whose steps are written here: several under a limit of parallel branches
    next        the state that follows; None: this ends the scope
    result      what a state that ends the scope outputs
    on_failure  None: a failure ends the execution (or the Map) right there, so that Redrive restarts exactly that state
    variables   variables of this scope that a state may read before it is assigned: name -> empty value
    words       words for the names of variables, by the step they belong to
    whole       the lists that the first state keeps whole, so that a loop need not write them again
    write       writes a step at a site
    repeated    whether states in a circle come here again, so that variables of an earlier round are there
    dense       whether the definition must be kept small: parallel branches share their states for failures
    tries       the commands whose failures lead where those of this step lead; `launched` names all of this scope
    writing     the steps being written, outermost first; `owners` tells for each state which it was written for
    """

    machine: plan.Machine
    states: dict[str, State]
    frame: int
    next: str | None
    result: object
    on_failure: Failure | None
    variables: dict[str, object]
    words: dict[str, str]
    whole: set[str]
    write: Callable[[plan.Step, Site], None]
    dense: bool = False
    frames: tuple[int, ...] = (0,)
    repeated: bool = False
    tries: Tries = field(default_factory=Tries)
    launched: list[str] = field(default_factory=list)
    writing: list[plan.Step] = field(default_factory=list)
    owners: dict[str, plan.Step] = field(default_factory=dict)

    def to(self, state: str | None) -> Site:
        """Return the site of a step that `state` follows."""
        return replace(self, next=state)

    def add(self, name: str, state: State) -> None:
        """Put a state into this scope."""
        assert name not in self.states, f"two states are called {name}"
        self.states[name] = state
        if self.writing:
            self.owners[name] = self.writing[-1]

    def variable(self, name: str) -> str:
        """Return the name for a variable of this scope: inner scopes must not reuse names of outer ones."""
        return f"{name}_{self.frame}" if self.frame else name

    def read(self, name: str, empty: str) -> str:
        """Return JSONata that reads a variable which may not have been assigned yet.

        At the top level the first state assigns it. In inner scopes this leans on `$exists` being false for a variable
        that was never assigned; one report says so of AWS (docs/design.md).
        """
        self.variables.setdefault(name, {"0": 0, "[]": [], "{}": {}}[empty])
        return f"${name}" if self.frame == 0 else f"($exists(${name})?${name}:{empty})"

    def word(self, name: str) -> str:
        """Return a word for a step, fit for names of variables and used for no other step."""
        if name not in self.words:
            base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:40] or "all"
            taken = set(self.words.values())
            self.words[name] = base if base not in taken else f"{base}_{len(taken)}x"
        return self.words[name]

    @property
    def resumes(self) -> bool:
        """Whether a redrive can lead back into a step here."""
        return self.on_failure is None or self.on_failure.resumes

    def ending(self, state: State) -> State:
        """Return a state that can end, with its way on."""
        if self.next is not None:
            return {**state, "Next": self.next}
        return {**state, "Output": self.result, "End": True}

    def catch(self, at: str, cause: str = "", over: str = "") -> list[State]:
        """Return the Catch of the state called `at`; empty where a failure may end the execution.

        `cause` stands in for that of a time-out, which has none; `over` is JSONata of an object to merge over the error.
        """
        if self.on_failure is None:
            return []
        caught: State = {"ErrorEquals": ["States.ALL"]}
        if self.on_failure.note:
            self.on_failure.noted.append(at)
            error = "$states.errorOutput"
            if cause:
                error += f",$states.errorOutput.Error='States.Timeout'?{{'Cause':{literal(cause)}}}:{{}}"
            error += f",{over}" if over else ""
            caught["Assign"] = {self.variable("failure"): note(error, at, self)}
        return [{**caught, "Output": INPUT, "Next": self.on_failure.state}]


def note(error: str, at: str, site: Site) -> str:
    """Return JSONata for what is remembered of a failure: error and cause, the state, how often the run was redriven."""
    redrives = ",'redrives':$states.context.Execution.RedriveCount" if site.resumes else ""
    return f"{{% $merge([{error},{{'at':{literal(at)}{redrives}}}]) %}}"


def cause_of(failure: str) -> str:
    """Return JSONata for the cause of a noted failure; a time-out has none, and an expression must give something."""
    return f"({failure}.Cause&'')"


def entry(step: plan.Step | None, site: Site) -> str | None:
    """Return the first state of a step, or what follows it when it does nothing."""
    if step is None or plan.is_empty(step):
        return site.next
    if isinstance(step, plan.Sequence):
        return entry(next(inner for inner in step.steps if not plan.is_empty(inner)), site)
    if isinstance(step, plan.Guarded):
        return entry(step.body, replace(site, on_failure=Failure("")))
    return f"{step.name} check" if _has_check(step, site) else first(step)


def first(step: plan.Step) -> str:
    """Return the first state of a step behind its check: of a loop whose list commands look up, the one that leaves it."""
    return f"{step.name} list" if isinstance(step, plan.ForEach) and step.listed else step.name


def guards(step: plan.Step) -> tuple[tuple[str, str], ...]:
    """Return what must hold for the expressions of a step not to fail."""
    if isinstance(step, plan.Log):
        return step.text.guards if isinstance(step.text, plan.Computed) else ()
    if isinstance(step, plan.Fail):
        return step.message.guards if isinstance(step.message, plan.Computed) else ()
    if isinstance(step, plan.Choose):
        return step.condition.guards
    if isinstance(step, plan.Switch):
        return step.guards
    if isinstance(step, plan.Notify | plan.Call | plan.Looked | plan.Required):
        return step.guards
    if isinstance(step, plan.ForEach):
        return tuple(
            it for value in (step.entries, step.parallel) if isinstance(value, plan.Computed) for it in value.guards
        )
    return ()


def _has_check(step: plan.Step, site: Site) -> bool:
    """Return whether a Choice stands before a step: also before one that goes on whatever happens to it, Slack's."""
    return bool(guards(step)) and (site.on_failure is not None or isinstance(step, plan.Notify))


def write_check(step: plan.Step, site: Site) -> None:
    """Write the Choice before a state whose expressions may fail, where such a failure must not end the execution."""
    failure, wanted = site.on_failure, guards(step)
    if not _has_check(step, site):
        return
    if failure is None:
        choice = {"Condition": f"{{% {checked('true', wanted, site)} %}}", "Next": first(step)}
        site.add(
            f"{step.name} check",
            {"Type": "Choice", "Comment": step.comment, "Choices": [choice], "Default": first(step)},
        )
        return
    message = "".join(f"$not({test})?{literal(words)}:" for test, words in wanted) + "''"
    name = f"{step.name} check"
    state: State = {
        "Type": "Choice",
        "Comment": step.comment,
        "Choices": [{"Condition": f"{{% {' and '.join(f'({test})' for test, _ in wanted)} %}}", "Next": first(step)}],
    }
    if failure.note:
        failure.noted.append(name)
        error = f"{{'Error':'UndefinedVariable','Cause':{message}}}"
        state["Assign"] = {site.variable("failure"): note(error, name, site)}
    site.add(name, {**state, "Default": failure.state})


def value_of(value: plan.Value, site: Site) -> object:
    """Return a value as a field of a state takes it."""
    if isinstance(value, plan.Computed):
        return f"{{% {checked(value.code, value.guards, site)} %}}"
    return constant(value.value)


def constant(value: object) -> object:
    """Return a constant as a field takes it: as JSONata where the bare text would mean something else or not be taken."""
    if (isinstance(value, str) and "\n" in value) or _means_more(value):
        return f"{{% {literal(value)} %}}"
    return value


def _means_more(value: object) -> bool:
    """Return whether AWS would evaluate or substitute a text in a JSON value."""
    if isinstance(value, str):
        return value.lstrip().startswith("{%") or "${" in value
    if isinstance(value, dict | list | tuple) and not _BRACES.search(json.dumps(value, ensure_ascii=False)):
        return False  # long lists of labels mostly
    if isinstance(value, dict):
        return any(_means_more(key) or _means_more(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(map(_means_more, value))


def checked(code: str, wanted: tuple[tuple[str, str], ...], site: Site) -> str:
    """Return JSONata that fails with a message in our words when what it wants does not hold.

    Where a failure may not end the execution, a Choice before the state has seen to it (`write_check`).
    """
    if site.on_failure is not None or not wanted:
        return code
    tests = "".join(f"$not({test})?$error({literal(words)}):" for test, words in wanted)
    return f"({tests}({code}))"
