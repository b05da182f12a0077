# To be read by the others: `db` runs SQL. The password goes by the environment, where `ps` does not show it.
set -eu
export MYSQL_PWD="$MYSQL_PASSWORD"
db() { mariadb --no-defaults --batch --skip-column-names -h "$DB_HOST" -P "${DB_PORT:-3306}" -u "$DB_USER" "$DB_NAME" -e "$1"; }
