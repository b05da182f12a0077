"""The end that fails a run under the error that was noted, and lets a redrive go on behind it."""

from __future__ import annotations

from stepdig.asl.place import INPUT, State, cause_of

INVOKE = "arn:aws:states:::lambda:invoke"
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html: transient faults of Lambda to retry.
# ASL's own numbers: three times, after a second, then twice as long each time.
LAMBDA_RETRY: State = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "JitterStrategy": "FULL",
}


def failing_task(comment: str, failure: str, resets: State) -> State:
    """Return the Task that reports the error noted in the variable `failure`; redriven it succeeds and assigns `resets`.

    A Fail state would only fail again when redriven; the function fails once and then lets the way back open
    (docs/design.md, "fail_run").
    """
    state: State = {
        "Type": "Task",
        "Comment": comment,
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Arguments": {
            "FunctionName": "${FailRunFunction}",
            "Payload": {
                "token": "{% $states.context.Task.Token %}",
                "error": f"{{% {failure}.Error %}}",
                "cause": f"{{% {cause_of(failure)} %}}",
                "failed_at": f"{{% {failure}.redrives %}}",
                "redrive_count": "{% $states.context.Execution.RedriveCount %}",
            },
        },
        "Retry": [LAMBDA_RETRY],  # else a fault of Lambda would stand in place of the error
        "Output": INPUT,
    }
    return {**state, "Assign": resets} if resets else state
