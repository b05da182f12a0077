-- clicks of a day
select count(*) from clicks where dt = '${session_date}';
