"""What names of errors mean: Step Functions', those of the services it calls, and our own.

A row is asked for the name, a blank and the cause; the first that fits speaks.
"""

from __future__ import annotations

from reason import ECS, LAMBDA, REDRIVE, STATES, row

_ERRORS_PAGE = STATES + "concepts-error-handling.html"
ERRORS = (
    row(
        r"^ItemsFailed\b",
        "Not all items of a list, or parallel tasks, succeeded.",
        "A redrive runs those that failed, no others.",
        STATES + "redrive-executions.html",
    ),
    row(
        r"^RequiredFailed\b",
        "A workflow that this one requires failed.",
        "See to that run first, then redrive this one.",
        "",
    ),
    row(
        r"^UndefinedVariable\b",
        "A template reads a variable that nothing has set.",
        "Give it in the run's parameters, or set it in `_export` or by an earlier task.",
        "",
    ),
    row(r"^Config\b", "An option of a task is not what it may be.", "Correct the workflow and deploy.", ""),
    row(r"^Fail\b", "The workflow ended itself with `fail>`.", "", ""),
    row(
        r"^(States\.Timeout|Sandbox\.Timedout)\b|Task timed out after",
        "It took longer than it may.",
        "See in its log what it did last. `_timeout` of the task, or `timeout` of its job, is the limit.",
        _ERRORS_PAGE,
    ),
    row(r"^States\.HeartbeatTimeout\b", "It gave no sign of life for too long.", REDRIVE, _ERRORS_PAGE),
    row(
        r"^States\.DataLimitExceeded\b",
        "A value was larger than Step Functions takes (256 KB).",
        "Store less: `stepdig check --explain` shows what a run may need.",
        STATES + "service-quotas.html",
    ),
    row(
        r"^States\.QueryEvaluationError\b",
        "An expression of the workflow could not be evaluated.",
        "The words above name state and expression. Correct the workflow, or the parameters of the run.",
        STATES + "transforming-data.html",
    ),
    row(
        r"^States\.Permissions\b",
        "The state machine's role lacks a right.",
        "Deploy again, if the role was changed by hand.",
        _ERRORS_PAGE,
    ),
    row(
        r"^States\.ExceedToleratedFailureThreshold\b",
        "Items of a list failed.",
        "The run's page in the console lists them.",
        _ERRORS_PAGE,
    ),
    row(
        r"^States\.(ItemReaderFailed|ResultWriterFailed)\b",
        "The list of a loop, or its results, could not be read or written in S3.",
        "Check that the file is there and that the role may use it.",
        _ERRORS_PAGE,
    ),
    row(
        r"^States\.Runtime\b.*history events",
        "The run had more events than Step Functions keeps (25,000).",
        "Split the workflow: `stepdig check --explain` shows where the events come from.",
        STATES + "service-quotas.html",
    ),
    row(
        r"^States\.Runtime\b",
        "Step Functions could not carry out the definition.",
        "Deploy again; if it comes again, report it.",
        _ERRORS_PAGE,
    ),
    row(
        r"^ECS\.AccessDenied|^ECS\..*(AccessDenied|not authorized)",
        "The state machine's role may not start the task.",
        "Deploy again; a boundary or a policy of the organization may forbid it.",
        STATES + "connect-ecs.html",
    ),
    row(
        r"^(ECS|AmazonECS)\..*(Capacity is unavailable|RESOURCE:|no capacity)",
        "Fargate had no capacity left, in all tries.",
        "Redrive the run in a while; subnets in more zones help.",
        ECS + "api_failures_messages.html",
    ),
    row(
        r"^ECS\.(Throttling|AmazonECSException)|^ECS\..*(Rate exceeded|Throttling)",
        "ECS was asked for more tasks than it starts at a time, in all tries.",
        "Redrive the run; fewer at once (`_parallel: {limit: N}`) help.",
        ECS + "throttling.html",
    ),
    row(
        r"^ECS\.ClusterNotFound", "The cluster of the stack is not there.", "Deploy again.", STATES + "connect-ecs.html"
    ),
    row(
        r"^ECS\..*(Overrides length|Invalid.*override)",
        "The parameters of the task are longer than ECS takes.",
        "Give less to this run; `stepdig check --explain` shows the room.",
        ECS + "service-quotas.html",
    ),
    row(
        r"^ECS\.(InvalidParameter|Client|PlatformUnknown|PlatformTaskDefinition|UnsupportedFeature|Blocked)",
        "ECS refused to start the task.",
        "The words above say why. Deploy again, if something was changed by hand.",
        STATES + "connect-ecs.html",
    ),
    row(
        r"^(ECS|AmazonECS)\.",
        "ECS could not start the task, in all tries.",
        "The words above say why. Redrive the run in a while.",
        STATES + "connect-ecs.html",
    ),
    row(
        r"^Lambda\.(TooManyRequests|ServiceException|AWSLambda|SdkClient|Unknown)",
        "Lambda could not run one of the stack's functions, in all tries.",
        REDRIVE,
        STATES + "connect-lambda.html",
    ),
    row(
        r"^Lambda\.",
        "Lambda refused to run one of the stack's functions.",
        "Deploy again.",
        STATES + "connect-lambda.html",
    ),
    row(
        r"^(Runtime\.|Lambda.*Exit)",
        "One of the stack's functions crashed.",
        "See its log, then redrive the run.",
        LAMBDA + "troubleshooting-invocation.html",
    ),
    row(
        r"^S3\.(NoSuchKey|NoSuchBucket)",
        "A file of the run is not in S3.",
        "If it is older than the bucket keeps runs, start the session again rather than redrive it.",
        "",
    ),
    row(r"^S3\.", "S3 refused what the run asked for.", "The words above say why.", ""),
    row(
        r"^StateMachine\.|^StepFunctions\.ExecutionAlreadyExists",
        "The other workflow's run could not be started.",
        "The words above say why.",
        "",
    ),
    row(
        r"^(HttpFailed|HttpBusy|HttpUnavailable)\b",
        "The request was not answered as it should be.",
        "See whether the other side works, then redrive the run.",
        "",
    ),
    row(
        r"^MailFailed\b", "The mail could not be sent.", "See whether the mail server works, then redrive the run.", ""
    ),
    row(r"^SecretMissing\b", "A secret of the workflow is not there.", "Store it, then redrive the run.", ""),
    row(r"^ParamRefused\b", "A parameter could not be kept.", "The words above say why.", ""),
)
