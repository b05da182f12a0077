"""Operators of Digdag and of its well-known plug-ins that stepdig does not have, and what does the same work.

https://docs.digdag.io/operators.html, https://docs.digdag.io/community_contributions.html
"""

_SQL = "run the client in a job that has it, the file with its ${{}} filled in: sh>: {}"
_TD = "run Treasure Data's own client in a job: sh>: td {}"

ELSEWHERE = {
    "notify": "slack> or mail> send a message; a failed run tells by itself",
    "pg": _SQL.format("psql -v ON_ERROR_STOP=1 -f query.sql"),
    "redshift": _SQL.format("psql -f query.sql, or py> with the Redshift Data API"),
    "redshift_load": _SQL.format("psql -c 'COPY ...'"),
    "redshift_unload": _SQL.format("psql -c 'UNLOAD ...'"),
    "bq": _SQL.format("bq query < query.sql, or py> with google-cloud-bigquery"),
    "bq_ddl": "create datasets and tables in a job: sh>: bq mk ...",
    "bq_load": "load in a job: sh>: bq load ...",
    "bq_extract": "extract in a job: sh>: bq extract ...",
    "gcs_wait": "py> with google-cloud-storage, which fails while the object is missing, under _retry",
    "emr": "py> with boto3 (run_job_flow, add_job_flow_steps)",
    "td": _TD.format("query -w -d database -q query.sql"),
    "td_run": _TD.format("sched:run name time"),
    "td_load": _TD.format("connector:issue load.yml"),
    "td_ddl": _TD.format("table:create database table"),
    "td_table_export": _TD.format("table:export database table"),
    "td_wait": "py> with a query that fails while there is nothing, under _retry",
    "td_wait_table": "py> with a query that fails while the rows are missing, under _retry",
    "td_partial_delete": _TD.format("table:partial_delete database table"),
    "td_result_export": _TD.format("job:show id --result"),
    "td_for_each": "store the rows of a query with py>, then for_each>: {row: ${rows}}",
    "s3_copy": "sh>: aws s3 cp ... in a job that has the AWS CLI",
    "s3_move": "sh>: aws s3 mv ... in a job that has the AWS CLI",
    "s3_delete": "sh>: aws s3 rm ... in a job that has the AWS CLI",
    "s3_touch": "sh>: aws s3 cp - s3://bucket/key < /dev/null in a job that has the AWS CLI",
    "athena.apas": "athena.ctas> with location and table_mode: data_only, then athena.add_partition>",
    "athena.preview": "read the CSV file athena.last_query.output in a command",
    "athena.partition_exists?": "athena.query> SHOW PARTITIONS, or s3_wait> for its data",
    "athena.drop_table_multi": "for_each> over names, with athena.drop_table>",
    "pg_lock": "sh>: psql with pg_advisory_lock in a job",
    "datadog_event": "http> to Datadog's API",
    "ssh": "sh>: ssh host command, in a job with the key as a secret file",
}

# What other tools, or a hurried person, call them.
CALLED = {
    **dict.fromkeys(("bash", "shell", "run", "command", "cmd", "script", "exec"), "sh"),
    **dict.fromkeys(("python", "python3"), "py"),
    **dict.fromkeys(("print", "log", "message"), "echo"),
    **dict.fromkeys(("sleep", "delay", "pause"), "wait"),
    **dict.fromkeys(("error", "raise", "abort"), "fail"),
    **dict.fromkeys(("each", "foreach", "for", "map"), "for_each"),
    **dict.fromkeys(("repeat", "while", "times"), "loop"),
    **dict.fromkeys(("range",), "for_range"),
    **dict.fromkeys(("include", "import", "workflow"), "call"),
    **dict.fromkeys(("curl",), "http"),
    **dict.fromkeys(("ruby",), "rb"),
    **dict.fromkeys(("athena", "sql", "query"), "athena.query"),
}
