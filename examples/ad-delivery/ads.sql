-- What the managers of campaigns and media keep, and what the batches make of it for the API servers.
drop table if exists media, campaigns, creatives, slots, candidates, clicks;
create table media (id int primary key, name varchar(40), kinds varchar(100), enabled bool) character set utf8mb4;
create table campaigns (id int primary key, name varchar(40), bid int, budget int, starts datetime, ends datetime) character set utf8mb4;
create table creatives (id int primary key, campaign_id int, kind varchar(20), title varchar(100)) character set utf8mb4;
create table slots (id varchar(40) primary key, media_id int, kind varchar(20), floor int);
create table candidates (slot_id varchar(40), place int, creative_id int, value double, primary key (slot_id, place));
create table clicks (hour datetime, slot_id varchar(40), creative_id int, impressions int, clicks int, cost int,
  primary key (hour, slot_id, creative_id));

insert into media values (1, 'ニュース', 'banner,infeed', true), (2, 'weather', 'banner', true), (3, 'recipes', 'infeed,video', true), (4, 'closed', 'banner', false);
insert into campaigns values
  (1, 'autumn sale', 120, 100000, '2026-11-01', '2026-12-01'), (2, '新しいアプリ', 200, 100000, '2026-11-01', '2026-12-01'),
  (3, 'spent', 500, 0, '2026-11-01', '2026-12-01'), (4, 'next year', 900, 100000, '2027-01-01', '2027-02-01');
insert into creatives values (11, 1, 'banner', 'Coats'), (12, 1, 'infeed', 'Coats, read more'), (13, 1, 'banner', 'Boots'), (21, 2, 'banner', 'アプリ'),
  (22, 2, 'infeed', 'アプリを見る'), (23, 2, 'video', 'アプリ'), (31, 3, 'banner', 'gone'), (41, 4, 'banner', 'later');
insert into slots values ('1-banner', 1, 'banner', 1), ('1-infeed', 1, 'infeed', 1), ('2-banner', 2, 'banner', 1);
