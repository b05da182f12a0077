"""Numbers of AWS that a definition must respect; the unit is in the name, the page beside it. Nothing else is here.

The check of a limit stands in the stage that makes the thing; tests/test_house.py finds the same number elsewhere.
"""

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_BYTES = 1_048_576
PAYLOAD_BYTES = 262_144  # input or output of a state, a task or an execution
HISTORY_EVENTS = 25_000  # then the execution fails
STATE_NAME_CHARS = 80
EXECUTION_NAME_CHARS = 80
ERROR_CHARS = 256  # https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html
CAUSE_CHARS = 32_768

# https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
VARIABLE_BYTES = 262_144
ASSIGN_BYTES = 262_144
VARIABLES_TOTAL_BYTES = 10 * 1_048_576

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html and state-map-distributed.html
INLINE_MAP_CONCURRENCY = 40
DISTRIBUTED_MAP_CONCURRENCY = 10_000

# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
RETRY_MAX_ATTEMPTS = 99_999_999
RETRY_MIN_INTERVAL_SECONDS = 1
RETRY_MAX_DELAY_SECONDS = 31_622_400
WAIT_SECONDS = 99_999_999
TIMEOUT_SECONDS = 99_999_999  # TimeoutSeconds of a Task

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
OVERRIDE_CHARS = 8_192  # of all overrides together, JSON punctuation included
OVERRIDE_OURS_CHARS = 4_096  # ours: what we use of them at most
START_CHARS = 1_500  # ours: of those, what a run is started with; the rest is for names and the values of loops

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
FARGATE_MIB = {  # CPU units of a task -> the memory it may have
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16_384 + 1, 1024),
    4096: range(8192, 30_720 + 1, 1024),
    8192: range(16_384, 61_440 + 1, 4096),
    16_384: range(32_768, 122_880 + 1, 8192),
    32_768: (61_440, 122_880, 249_856),
}
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html
STORAGE_MIN_GIB, STORAGE_MAX_GIB = 21, 200

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html: launches of Fargate tasks
LAUNCHES_AT_ONCE = 100
LAUNCHES_PER_SECOND = 20

# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
SCHEDULE_EXPRESSION_CHARS = 256
SCHEDULE_NAME_CHARS = 64

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html: stopTimeout on Fargate
STOP_MIN_SECONDS, STOP_MAX_SECONDS = 2, 120

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

# ours: Athena takes 262,144 (https://docs.aws.amazon.com/athena/latest/ug/service-limits.html), but the query comes back in the
# answer of its state, which may have no more in all
QUERY_BYTES = 240_000

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: deployment package, unzipped
LAMBDA_PACKAGE_BYTES = 262_144_000

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
TEMPLATE_RESOURCES = 500
TEMPLATE_KILOBYTES = 1_000
TEMPLATE_FILLED_RESOURCES = 450  # ours: new workflows go on in another template; the rest is for those that grow
TEMPLATE_FIRST_RESOURCES = 300  # ours: of the first one, which also holds the logs of all jobs and the other templates
TEMPLATE_FILLED_KILOBYTES = 700

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE_POLICY_CHARS = 10_240  # of all inline policies of a role together
MANAGED_POLICY_CHARS = 6_144
MANAGED_POLICIES = 10  # of a role

# ours: a machine's name without the stack's, so that `<Stack>-<project>-<workflow>` has the 80 that Step Functions takes
STACK_CHARS = 28
MACHINE_CHARS = 50
FAMILY_CHARS = 255  # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
