"""Objects below a place in S3: a state that lists some, and where they are to go, the circle that deletes them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, .../API_DeleteObjects.html
"""

from __future__ import annotations

from stepdig import plan
from stepdig.asl.leaves import GET_RETRY, done
from stepdig.asl.place import INPUT, Site, State, value_of, write_check
from stepdig.jsonata_text import literal

LIST = "arn:aws:states:::aws-sdk:s3:listObjectsV2"
DELETE = "arn:aws:states:::aws-sdk:s3:deleteObjects"
KEYS = 190  # at once: each may have 1,024 characters, and what is told of it 300, in an answer of 262,144 bytes


def write_looked(step: plan.Looked, site: Site) -> None:
    """Write the state that lists objects, and those that delete them."""
    write_check(step, site)
    after = site if site.next is not None or not step.empties else site.to(f"{step.name} done")
    more, delete = f"{step.name} more", f"{step.name} delete"
    caught = site.catch(step.name)  # a redrive begins with the list, whichever of the states failed
    handled: State = {"Catch": caught} if caught else {}
    state: State = {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": LIST,
        "Arguments": {
            "Bucket": step.bucket,
            "Prefix": value_of(step.prefix, site),
            "MaxKeys": KEYS if step.empties else 1,
        },
        "Retry": [GET_RETRY],
        "Assign": {step.variable: "{% [$states.result.Contents.Key] %}"},
        **handled,
    }
    if not step.empties:
        site.add(step.name, site.ending({**state, "Output": INPUT}))
        return
    site.add(step.name, {**state, "Output": INPUT, "Next": more})
    rule = {"Condition": f"{{% $count(${step.variable})>0 %}}", "Next": delete}
    site.add(more, {"Type": "Choice", "Comment": step.comment, "Choices": [rule], "Default": after.next})
    site.add(delete, {**_delete(step), **handled})
    if after.next != site.next:
        site.add(str(after.next), done(step, site))


def _delete(step: plan.Looked) -> State:
    """Return the state that deletes the listed objects; one that S3 keeps fails it, or the circle would have no end."""
    objects = f"($into:={literal([step.empties])};{{'Objects':[${step.variable}.{{'Key':$}}],'Quiet':true}})"
    kept = "$states.result.Errors[0]"
    return {
        "Type": "Task",
        "Comment": step.comment,
        "Resource": DELETE,
        "Arguments": {"Bucket": step.bucket, "Delete": f"{{% {objects} %}}"},
        "Retry": [GET_RETRY],
        "Output": f"{{% $exists({kept})?$error('S3 did not delete '&{kept}.Key&': '&{kept}.Message):$states.input %}}",
        "Next": step.name,
    }
