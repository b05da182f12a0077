#!/bin/sh
# purge_sessions.sh DAY: delete what was last seen before that day.
. tasks/db.sh
gone=0
while :; do
  n=$(db "delete from sessions where seen_at < '$1' order by id limit ${BATCH:-1000}; select row_count()")
  [ "$n" -gt 0 ] || break
  gone=$((gone + n))
  echo "$gone gone"
done
echo "$gone sessions before $1 deleted"
