#!/bin/sh
# reindex.sh SIZE: words of all profiles, SIZE profiles at a time; a line for each step.
. tasks/db.sh
last=$(db "select coalesce(max(user_id), 0) from profiles")
from=1
while [ "$from" -le "$last" ]; do
  to=$((from + $1 - 1))
  db "replace into search_index select user_id, lower(body) from profiles where user_id between $from and $to"
  [ "$to" -le "$last" ] || to=$last
  echo "$to of $last profiles"
  from=$((to + 1))
done
