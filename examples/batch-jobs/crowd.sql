create or replace table users (id int primary key, name varchar(100), email varchar(100));
create or replace table contracts (id int primary key, client_id int, month char(7), title varchar(100), amount int);
create or replace table payments (contract_id int, amount int);
create or replace table sessions (id int primary key auto_increment, user_id int, seen_at date, index (seen_at));
create or replace table profiles (user_id int primary key, body varchar(200));
create or replace table search_index (user_id int primary key, words varchar(200));
create or replace table uploads_seen (name varchar(100));

insert into users values (1, 'Hotel Fuji', 'fuji@example.jp'), (2, 'Sato Design', 'sato@example.jp'), (3, 'Kita (Tools)', 'kita@example.jp');
insert into contracts values
  (11, 1, '2026-10', 'logo', 80000), (12, 1, '2026-10', 'photographs', 35000), (13, 2, '2026-10', 'translation', 12000),
  (14, 3, '2026-10', 'survey', 5000), (15, 2, '2026-11', 'proof-reading', 9000);
insert into payments values (11, 80000), (12, 35000), (13, 12000), (14, 5000), (15, 8000);
insert into sessions (user_id, seen_at) select 1, '2026-08-01' from seq_1_to_2500;
insert into sessions (user_id, seen_at) values (2, '2026-11-20'), (3, '2026-11-01');
insert into profiles select seq, concat('Profile ', seq, ' Ruby Go') from seq_1_to_500;
