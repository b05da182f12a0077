-- The database of a small online shop, as a shop in Tokyo would have it: fifteen tables, about 390,000 rows.
-- It stands in for the production database, so that this project runs on any machine. Whole numbers and remainders
-- only, no random(): the same rows on every machine and every night. Times are the shop's own, Asia/Tokyo.

create temp table n (i integer primary key);
insert into n with recursive count(i) as (select 1 union all select i + 1 from count limit 90000) select i from count;

create temp table word (kind text, i integer, value text, primary key (kind, i));
insert into word values
  ('family', 0, '佐藤'), ('family', 1, '鈴木'), ('family', 2, '高橋'), ('family', 3, '田中'), ('family', 4, '伊藤'),
  ('family', 5, '渡辺'), ('family', 6, '山本'), ('family', 7, '中村'), ('family', 8, '小林'), ('family', 9, '加藤'),
  ('given', 0, '陽翔'), ('given', 1, '結菜'), ('given', 2, '蓮'), ('given', 3, '葵'), ('given', 4, '湊'),
  ('given', 5, '凛'), ('given', 6, '大和'), ('given', 7, '紬'), ('given', 8, '悠真'), ('given', 9, '芽依'), ('given', 10, 'O''Neil'),
  ('prefecture', 0, '東京都'), ('prefecture', 1, '大阪府'), ('prefecture', 2, '神奈川県'), ('prefecture', 3, '愛知県'),
  ('prefecture', 4, '福岡県'), ('prefecture', 5, '北海道'), ('prefecture', 6, '京都府'),
  ('colour', 0, '白'), ('colour', 1, '黒'), ('colour', 2, '藍'), ('colour', 3, '桜色'), ('colour', 4, '若草色'),
  ('thing', 0, '湯呑み'), ('thing', 1, '手ぬぐい'), ('thing', 2, '急須'), ('thing', 3, 'マグカップ'), ('thing', 4, 'トートバッグ'),
  ('thing', 5, '座布団'), ('thing', 6, '風呂敷'), ('thing', 7, '箸置き'), ('thing', 8, 'ノート'), ('thing', 9, '万年筆'), ('thing', 10, '24" モニター'),
  ('opinion', 0, 'とても気に入りました。'), ('opinion', 1, '色が写真と少し違います'), ('opinion', 2, '"Great", 友人にも薦めます'),
  ('opinion', 3, '届くのが早い。' || char(10) || 'また買います。'), ('opinion', 4, ''), ('opinion', 5, null);

create table categories (id integer primary key, name text not null, parent_id integer);
insert into categories select i, (select value from word where kind = 'thing' and word.i = n.i % 11) || ' ' || i, nullif(i / 8, 0)
from n where i <= 44;

create table brands (id integer primary key, name text not null, country char(2) not null, since_year smallint);
insert into brands select i, 'Brand ' || i, substr('JPUSFRITDE', 1 + i % 5 * 2, 2), nullif(1890 + i * 37 % 130, 1890 + i)
from n where i <= 120;

create table suppliers (id integer primary key, name text not null, phone text, rating double);
insert into suppliers select i, '株式会社 ' || (select value from word where kind = 'family' and word.i = n.i % 10) || ' ' || i,
  case when i % 9 then printf('03-%04d-%04d', i * 7919 % 10000, i * 104729 % 10000) end, 1 + i * 31 % 40 / 10.0
from n where i <= 150;

create table warehouses (id integer primary key, name text not null, latitude double, longitude double);
insert into warehouses select i, (select value from word where kind = 'prefecture' and word.i = n.i) || '倉庫', 34 + i / 7.0, 135 + i / 3.0
from n where i <= 6;

create table products (
  id integer primary key, sku varchar(12) not null, name text not null, category_id integer not null, brand_id integer,
  price decimal(10,2) not null, weight_g integer, discontinued boolean not null, created_at timestamp not null
);
insert into products select i, printf('SKU-%06d', i * 7919 % 1000000),
  (select value from word where kind = 'colour' and word.i = n.i % 5) || 'の' || (select value from word where kind = 'thing' and word.i = n.i % 11),
  1 + i * 13 % 44, case when i % 11 then 1 + i * 7 % 120 end, (300 + i * 4973 % 39700) / 100.0,
  case when i % 6 then 20 + i * 97 % 3000 end, i % 17 = 0, datetime('2021-04-01', printf('+%d hours', i * 9))
from n where i <= 4000;

create table stock (product_id integer not null, warehouse_id integer not null, quantity integer not null, counted_at timestamp);
insert into stock select 1 + i % 4000, 1 + i / 4000, i * 131 % 500 - 3, case when i % 25 then datetime('2026-11-19 21:00:00', printf('-%d minutes', i % 600)) end
from n where i < 12000;

create table customers (
  id integer primary key, name text not null, email text, birthday date, newsletter boolean, points bigint not null, created_at timestamp not null
);
insert into customers select i,
  (select value from word where kind = 'family' and word.i = n.i % 10) || ' ' || (select value from word where kind = 'given' and word.i = n.i * 7 % 11),
  case when i % 13 then 'customer' || i || '@example.com' end, case when i % 5 then date('1950-01-01', printf('+%d days', i * 7919 % 20000)) end,
  case i % 3 when 0 then null when 1 then 1 else 0 end, i * 48271 % 100000 * 40000, datetime('2021-04-01', printf('+%d minutes', i * 147))
from n where i <= 20000;

create table addresses (id integer primary key, customer_id integer not null, postcode char(8), prefecture text not null, line text);
insert into addresses select i, 1 + i * 48271 % 20000, printf('%03d-%04d', i * 37 % 1000, i * 7919 % 10000),
  (select value from word where kind = 'prefecture' and word.i = n.i % 7), case when i % 20 then printf('%d丁目%d番', i % 90, i % 30) end
from n where i <= 26000;

create table coupons (code varchar(16) primary key, percent_off decimal(5,2), valid_from date not null, valid_to date);
insert into coupons select printf('SPRING%04d', i), nullif(i % 60, 0) / 2.0, date('2025-01-01', printf('+%d days', i * 2)),
  case when i % 4 then date('2025-02-01', printf('+%d days', i * 2)) end
from n where i <= 300;

create table orders (
  id integer primary key, customer_id integer not null, status varchar(10) not null, coupon varchar(16),
  total decimal(12,2) not null, note text, ordered_at timestamp not null
);
insert into orders select i, 1 + i * 48271 % 20000, case i % 20 when 0 then 'cancelled' when 1 then 'open' else 'shipped' end,
  case when i % 8 = 0 then printf('SPRING%04d', 1 + i % 300) end, (500 + i * 69621 % 9999500) / 100.0,
  case i % 40 when 7 then 'のし付き' when 8 then '' when 9 then '不在時は, 宅配ボックス' end,
  datetime('2025-11-20 00:00:07', printf('+%d seconds', i * 631))
from n where i <= 49900;

create table order_items (order_id integer not null, line smallint not null, product_id integer not null, quantity integer not null, price decimal(10,2) not null);
insert into order_items select 1 + i % 49900, 1 + i / 49900, 1 + i * 7919 % 4000, 1 + i % 3, (300 + i * 4973 % 39700) / 100.0
from n where i <= 90000;

create table payments (id integer primary key, order_id integer not null, method varchar(12) not null, amount decimal(12,2) not null, paid_at timestamp);
insert into payments select i, i, case i % 4 when 0 then 'card' when 1 then 'konbini' when 2 then 'bank' else 'points' end,
  (500 + i * 69621 % 9999500) / 100.0, case when i % 30 then datetime('2025-11-20 00:05:00', printf('+%d seconds', i * 631)) end
from n where i <= 48000;

create table shipments (id integer primary key, order_id integer not null, warehouse_id integer not null, carrier text, shipped_at timestamp, delivered_at timestamp);
insert into shipments select i, i, 1 + i % 6, case i % 3 when 0 then 'ヤマト' when 1 then '佐川' else '日本郵便' end,
  datetime('2025-11-21 10:00:00', printf('+%d seconds', i * 631)),
  case when i % 50 then datetime('2025-11-22 18:30:00', printf('+%d seconds', i * 631)) end
from n where i <= 45000;

create table reviews (id integer primary key, product_id integer not null, customer_id integer, stars smallint not null, body text, written_at timestamp not null);
insert into reviews select i, 1 + i * 7919 % 4000, case when i % 7 then 1 + i * 48271 % 20000 end, 1 + i * 3 % 5,
  (select value from word where kind = 'opinion' and word.i = n.i % 6), datetime('2024-01-01', printf('+%d minutes', i * 163))
from n where i <= 9000;

create table page_views (id integer primary key, customer_id integer, path text not null, referrer text, milliseconds integer, viewed_at timestamp not null);
insert into page_views select i, case when i % 3 then 1 + i * 48271 % 20000 end, '/products/' || (1 + i * 7919 % 4000),
  case i % 5 when 0 then 'https://example.com/?q=湯呑み&page=' || (i % 9) when 1 then '' end, 20 + i * 131 % 900,
  datetime('2026-08-20', printf('+%d seconds', i * 88))
from n where i <= 90000;

create index page_views_viewed_at on page_views (viewed_at);
