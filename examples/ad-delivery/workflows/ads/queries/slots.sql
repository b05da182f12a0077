delete from slots where media_id = %(media_id)s;
insert into slots
select concat(m.id, '-', k.kind), m.id, k.kind, case k.kind when 'video' then 500 else 1 end
from media m join (select 'banner' as kind union select 'infeed' union select 'video') k on find_in_set(k.kind, m.kinds)
where m.id = %(media_id)s and m.enabled
