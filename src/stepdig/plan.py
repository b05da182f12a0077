"""What will happen when a workflow runs: a dozen frozen shapes between the operators and the writer of ASL.

Operators give these shapes and never see ASL; the writer takes them and never sees an operator. A step's `name` is the
path of its task without the workflow (`+sync+load`), `comment` says where it stands in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepdig.model import Input


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when compiling."""

    value: object


@dataclass(frozen=True, slots=True)
class Computed:
    """A value the machine computes: JSONata, and what must hold for it not to fail: (JSONata test, message) pairs."""

    code: str
    guards: tuple[tuple[str, str], ...] = ()


Value = Constant | Computed
Number = int | Computed  # a number, or JSONata that gives one
LAUNCHES = (
    20  # tries after the first to launch a container: about a quarter of an hour of throttling or missing capacity
)
ERROR_TEXT_CHARS = 8_000  # of a failure's message, and of its stack trace
UNKNOWN_TRIES = 20  # of a `_retry` whose number only the run knows; it is held to it


@dataclass(frozen=True, slots=True)
class Condition:
    """The value of an `if>`: JSONata tests for true and for false; neither: the task fails with `message`, JSONata too."""

    true: str
    false: str | None
    message: str = ""
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What every step has: `name` of its state, `comment` (`path:line +full+task+name`)."""

    name: str
    comment: str


@dataclass(frozen=True, slots=True)
class Sequence(Step):
    """One step after the other; empty is allowed and does nothing."""

    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of a command task, over that of its job: CPU units, MiB and GiB.

    None is the job's own size, so is an empty text, which a size that is `optional` may be.
    """

    cpu: Value | None = None
    memory: Value | None = None
    storage: Value | None = None
    guards: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Command(Step):
    """A command in a container of `job`; its name is the key of the compiled task in the bundle.

    index     JSONata for the index of each loop around the task, as in the keys of its outputs
    run       JSONata of the run object here
    given     JSONata of what the command is given of it: with the loop variables, and the error in a handler
    network   JSONata of the variable that holds where containers run
    reports   whether a failing command leaves an `error.json` with its message (`py>`)
    timeout   seconds that one try may take
    launches  how often a launch that AWS refused is tried again
    room      most characters of what the command is given, where only the run knows how many the values of loops have
    lists     then the lists that these values are of: key of the number in the state input, JSONata of where S3 has the
              list, the keys of the values
    sizes     of its container, where the task asks for other ones than its job has
    """

    job: str = ""
    retry: Retry | None = None
    index: tuple[str, ...] = ()
    run: str = "$run"
    given: str = "$run"
    network: str = "$network"
    reports: bool = False
    timeout: Number | None = None
    launches: int = LAUNCHES
    room: int | None = None
    lists: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    sizes: Sizes | None = None


@dataclass(frozen=True, slots=True)
class Log(Step):
    """Show one line of text (`echo>`)."""

    text: Value = Constant("")


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Let time pass: `seconds`."""

    seconds: Value = Constant(0)


@dataclass(frozen=True, slots=True)
class Deadline(Step):
    """From here on the steps of a group have `seconds` together: `variable` is {"at": milliseconds, "redrives": count}.

    `around` is JSONata of that of a group around, which ends no later; "" without.
    """

    variable: str = ""
    seconds: int = 0
    around: str = ""


@dataclass(frozen=True, slots=True)
class Fail(Step):
    """Fail the task with a message."""

    message: Value = Constant("")


@dataclass(frozen=True, slots=True)
class Notify(Step):
    """Send a message by the function `notify_slack`; failing to do so never fails the task.

    `message` is JSON whose values may be `Computed`; their guards are in `guards`.
    """

    message: object = None
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after one of `errors`, up to `limit` times: the first time after `interval` seconds, then `rate` times longer
    each time, at most `most` seconds."""

    errors: tuple[str, ...]
    limit: int
    interval: int
    rate: float
    most: int


@dataclass(frozen=True, slots=True)
class Call(Step):
    """Call a service of AWS and take its answer.

    service    as a Resource names it, `aws-sdk:s3:headObject`; or
    function   one of ours by the name of its substitution, `HttpRequestFunction`, which is given the arguments
    arguments  JSON whose values may be `Computed`; their guards are in `guards`
    again      rules for trying again, before the task's own `_retry`; `polls`: there is only them
    stores     JSONata of the object that the task stores, over `$states.result`; "" when it stores nothing
    answer     bytes of JSON that it stores at most
    late       JSONata of the message when its own rules are used up; "" keeps the error's
    excused    names of errors after which the task has succeeded all the same and stores `instead` (JSONata)

    `retry`, `timeout`, `index` and `run` are as for a command.
    """

    service: str = ""
    function: str = ""
    arguments: object = None
    guards: tuple[tuple[str, str], ...] = ()
    again: tuple[Again, ...] = ()
    polls: bool = False
    stores: str = ""
    answer: int = 0
    late: str = ""
    excused: tuple[str, ...] = ()
    instead: str = "{}"
    retry: Retry | None = None
    timeout: Number | None = None
    index: tuple[str, ...] = ()
    run: str = "$run"


# (looks, growth of the pause between them, which begins with a second): each lasts three days. The first wait that much
# longer than the other workflow takes; the others are for histories without room, as each look takes nine events.
PACES = ((75, 1.125), (35, 1.35), (18, 2.0))


@dataclass(frozen=True, slots=True)
class Required(Step):
    """See to it that another workflow of the project has run for a session: start it, or wait for who has.

    workflow      its name
    session_time  JSONata of the session's time with its offset; None: the session of this run
    params        its attempt parameters, JSON whose values may be `Computed`; their guards are in `guards`
    takes         the names of parameters it takes of this run's own; None: any
    rerun         "none", "failed" or "all": which executions that have ended already are run again
    ignored       whether its failure leaves this workflow going on
    retried       whether a counter of tries leads here again, which runs a failed one again
    pace          how it looks for the end of one that somebody else started: looks, and the growth of the pause between
    """

    workflow: str = ""
    session_time: str | None = None
    params: object = None
    takes: tuple[str, ...] | None = None
    rerun: str = "none"
    ignored: bool = False
    guards: tuple[tuple[str, str], ...] = ()
    run: str = "$run"
    retried: bool = False
    timeout: Number | None = None
    pace: tuple[int, float] = PACES[0]


@dataclass(frozen=True, slots=True)
class Choose(Step):
    """Run one of two steps."""

    condition: Condition = Condition("true", "false")
    then: Step | None = None
    otherwise: Step | None = None


@dataclass(frozen=True, slots=True)
class Switch(Step):
    """Run the step of the first case that holds: (JSONata test, step) pairs; else `otherwise`."""

    cases: tuple[tuple[str, Step], ...] = ()
    otherwise: Step | None = None
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Branches(Step):
    """Run steps at the same time, at most `limit` of them; all run to their end, then a failure fails the step.

    `frames` are the numbers of the branches' scopes of variables; `around` are the keys of the state input; `told` is as
    for a loop.
    """

    steps: tuple[Step, ...] = ()
    limit: int | None = None
    frames: tuple[int, ...] = ()
    around: tuple[str, ...] = ()
    told: int | None = None


@dataclass(frozen=True, slots=True)
class ForEach(Step):
    """Run `body` for each entry of `entries`.

    entries   a list, or JSONata that gives one; an entry is what the console shows of an item
    selector  key of the state input -> JSONata over `$item`, the entry
    around    keys of the state input that the iterations keep from the loops around
    back      JSONata over `$input`, a state input of an iteration, that gives its entry again
    parallel  None: one after another, stop at the first failure; else all run, at most `parallel` at once (0: no limit)
    mode      "map" (in this execution), "distributed" (child executions) or "counted" (states in a circle: iterations
              that see the stores of earlier ones)
    label     JSONata over `$input` (a state input of an iteration) that names the item for a person
    passes    variables of outer scopes that a distributed iteration reads, and JSONata for each
    frame     number of the iterations' scope of variables
    stores    keys of the tasks inside that may store
    run       JSONata of the run object around the loop
    count     number of entries where known
    most      number of entries that a counted loop takes: its events stand in the history of the run
    index     JSONata for the index of each loop around
    listed    JSONata of where in S3 commands find the entries, which may be too long for an override
    told      characters of its reason that a failed iteration hands on; None: error and reason as they come
    narrow    JSONata of the names asked for (nothing: all), and of what an entry is called; one pair for each list
    """

    entries: Value = Constant(())
    selector: tuple[tuple[str, str], ...] = ()
    around: tuple[str, ...] = ()
    back: str = "$input"
    body: Step | None = None
    parallel: Number | None = None
    mode: str = "map"
    label: str = ""
    passes: tuple[tuple[str, str], ...] = ()
    frame: int = 0
    stores: tuple[str, ...] = ()
    run: str = "$run"
    count: int | None = None
    most: int | None = None
    index: tuple[str, ...] = ()
    listed: str = ""
    told: int | None = None
    narrow: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Guarded(Step):
    """Run `body`; when it fails, run it again as `retry` says, then run `handler`, then fail with the first error.

    With `ignored` the run goes on instead of failing.
    `error_variable` receives {"message": ...} before the handler runs. `stores` are the keys of the tasks inside that may
    store: a new try begins without what they stored. `index` and `run` are as for a command.
    """

    body: Step | None = None
    retry: Retry | None = None
    handler: Step | None = None
    error_variable: str = ""
    stores: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    run: str = "$run"
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Run again up to `limit` times after `interval` seconds, doubling each time up to `max_interval` if exponential."""

    limit: Number
    interval: Number
    max_interval: Number | None
    exponential: bool

    @property
    def native(self) -> bool:
        """Whether the Retry field of a Task can say it: that takes numbers only."""
        return not any(isinstance(it, Computed) for it in (self.limit, self.interval, self.max_interval))


@dataclass(frozen=True, slots=True)
class Fetched:
    """Stored names of one task that states read: fetched into `variable` of the scope `frame` when the task has ended."""

    variable: str
    frame: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list that `only` narrows at start: the path of its loop, without the first `+`, and the names of its rows."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """The whole of a workflow.

    prefix   of the keys of a run's outputs, before the execution's name
    offsets  the zone of session times: (UTC seconds of a transition, offset seconds from then on), the first with None
    fetches  key of a task -> what states read of its stores
    outputs  keys of the calls whose stores later command tasks may read: they leave them in S3 as a command does
    gathers  number of an inner scope -> (variable inside, variable outside) that its iterations or branch return
    commands whether there is any command task
    inputs   declared parameters, which the first state checks; None: anything may be given
    lists    the lists that `only` narrows
    scheduled whether the start may be given the sessions around this one
    """

    comment: str
    prefix: str
    offsets: tuple[tuple[int | None, int], ...]
    body: Step
    fetches: Mapping[str, Fetched]
    gathers: Mapping[int, tuple[tuple[str, str], ...]]
    needs_zone: bool = False
    commands: bool = True
    inputs: tuple[Input, ...] | None = None
    lists: tuple[NamedList, ...] = ()
    outputs: frozenset[str] = frozenset()
    scheduled: bool = False


def is_empty(step: Step | None) -> bool:
    """Return whether a step does nothing at all, so that no state is made for it."""
    return step is None or (isinstance(step, Sequence) and all(is_empty(inner) for inner in step.steps))
