. tasks/db.sh
db "analyze table contracts, payments, sessions" | cut -f 1,4 | paste -sd " " -
