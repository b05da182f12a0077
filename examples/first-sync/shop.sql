-- What the example's shop has: a table of each kind of trouble the article names, text that is not ASCII, and times.
drop table if exists users, purchases;
create table users (id int primary key, name varchar(40)) character set utf8mb4;
insert into users values (1, 'ann'), (2, 'ノート');
create table purchases (id int primary key, user_id int, purchase_datetime datetime, price decimal(12, 2));
insert into purchases values
  (1, 1, '2026-11-20 23:59:59', 12.50), (2, 2, '2026-11-21 00:00:00', 1000), (3, 1, '2026-11-21 08:00:00', 3);
