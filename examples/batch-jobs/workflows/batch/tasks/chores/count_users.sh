. tasks/db.sh
db "select concat(count(*), ' users') from users"
