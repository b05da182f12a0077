# All of config/ is in the environment of sh>, as Digdag has it; it came with the project's archive.
set -eu
rows=$(($(wc -l <"$STEPDIG_WORKSPACE/sessions/$session_date/summary.csv") - 1))
echo "$(env | grep -c '^table_') variables of tables, $rows plans"
test "$rows" -ge "$summary_least_rows" || { echo "fewer than $summary_least_rows plans" >&2; exit 1; }
