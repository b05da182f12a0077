"""Steps that do one thing: a command, a call, a wait, a message."""

from __future__ import annotations

from dataclasses import dataclass

from stepdig.plan.values import Again, Constant, Number, Retry, Sizes, Value

LAUNCHES = 12  # tries after the first to launch a container: a quarter of an hour of throttling or missing capacity
POOLED = 5  # of one task, where the tasks of a scope share a number of them
ERROR_TEXT_CHARS = 8_000  # of a failure's message, and of its stack trace
# (looks, growth of the pause between them, which begins with a second): each lasts three days. The first wait that much
# longer than the other workflow takes; the others are for histories without room, as each look takes nine events.
PACES = ((75, 1.125), (35, 1.35), (18, 2.0))


@dataclass(frozen=True, slots=True)
class Step:
    """What every step has: `name` of its state, `comment` (`path:line +full+task+name`)."""

    name: str
    comment: str


@dataclass(frozen=True, slots=True)
class Plain:
    """What a container of a plain image is given, in place of the task runner's: texts, some of which the machine computes.

    An empty `command` is the image's own.
    """

    container: str
    command: tuple[Value, ...] = ()
    environment: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Command(Step):
    """A command in a container of `job`; its name is the key of the compiled task in the bundle.

    index     JSONata for the index of each loop around the task, as in the keys of its outputs
    run       JSONata of the run object here
    given     JSONata of what the command is given of it: with the loop variables, and the error in a handler
    network   JSONata of the variable that holds where containers run
    reports   whether a failing command leaves an `error.json` with its message (`py>`)
    timeout   seconds that one try may take
    faults    JSONata of the variable that holds what launches fail with
    launches  how often a launch that failed, or that Spot took back, is tried again
    pool      how often that may be for all tasks of its scope together, where the history has no more room; None: no limit
    room      most characters of what the command is given, where only the run knows how many the values of loops have
    lists     then the lists that these values are of: key of the number in the state input, JSONata of where S3 has the
              list, the keys of the values
    sizes     of its container, where the task asks for other ones than its job has
    capacity  which capacity providers launch it: "on_demand", "spot", "spot_then_on_demand"
    limited   whether its time limit is that of the job
    plain     of an image that is run as it is: what it is given; its exit code is all there is
    """

    job: str = ""
    retry: Retry | None = None
    index: tuple[str, ...] = ()
    run: str = "$run"
    given: str = "$run"
    network: str = "$network"
    faults: str = "$faults"
    reports: bool = False
    timeout: Number | None = None
    launches: int = LAUNCHES
    pool: int | None = None
    room: int | None = None
    lists: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    sizes: Sizes | None = None
    capacity: str = "on_demand"
    plain: Plain | None = None
    limited: bool = False


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
class Call(Step):
    """Call a service of AWS and take its answer.

    service    as a Resource names it, `aws-sdk:s3:headObject`; or
    function   one of ours by the name of its substitution, `HttpRequestFunction`, which is given the arguments
    arguments  JSON whose values may be `Computed`; their guards are in `guards`
    again      rules for trying again, before the task's own `_retry`; `polls`: there is only them
    stores     JSONata of the object that the task stores, over `$states.result`; "" when it stores nothing
    answer     bytes of JSON that it stores at most
    late       JSONata of the message when its own rules are used up; "" keeps the error's
    said       JSONata of an object merged over the error that is caught; "" of none
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
    said: str = ""
    excused: tuple[str, ...] = ()
    instead: str = "{}"
    retry: Retry | None = None
    timeout: Number | None = None
    index: tuple[str, ...] = ()
    run: str = "$run"


@dataclass(frozen=True, slots=True)
class Looked(Step):
    """Look which objects lie below `prefix` of a bucket; `variable` holds the keys of some of them, none where there is none.

    `empties` is "" or the static beginning of the place, `bucket/begin`: then they are deleted, in a circle until none is left.
    """

    bucket: str = ""
    prefix: Value = Constant("")
    guards: tuple[tuple[str, str], ...] = ()
    variable: str = ""
    empties: str = ""


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
