#!/bin/sh
# The agent takes metrics, adds them up and sends them on every second, as dogstatsd does every ten. It is left running when this ends:
# the job's `linger` is what it has to send the last ones.
set -eu
STATSD=$(statsd-agent)
export STATSD
exec python3 tasks/db_metrics.py
