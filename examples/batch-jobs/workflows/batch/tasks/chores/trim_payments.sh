. tasks/db.sh
db "delete from payments where amount = 0; select concat(row_count(), ' empty payments removed')"
