. tasks/db.sh
db "delete from contracts where amount = 0; select concat(row_count(), ' drafts expired')"
