#!/bin/sh
# chores.sh FILE...: each by itself, one after another. One that fails stops no other; the first code that is not 0 is that of all.
code=0
for chore in "$@"; do
  name=$(basename "$chore" .sh)
  said=$(sh "$chore" 2>&1)
  ended=$?
  echo "$name: $said"
  [ "$ended" -eq 0 ] || echo "$name: exit code $ended"
  [ "$code" -ne 0 ] || code=$ended
done
exit "$code"
