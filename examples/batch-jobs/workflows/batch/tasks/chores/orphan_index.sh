. tasks/db.sh
db "delete from search_index where user_id not in (select user_id from profiles); select concat(row_count(), ' rows removed')"
