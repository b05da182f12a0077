-- No customer's id goes to the warehouse: a plan's people together.
select
  plan,
  count(*) as customers,
  round(avg(low))::bigint as low,
  round(avg(middle))::bigint as middle,
  round(avg(high))::bigint as high
from read_csv(getvariable('parts'))
group by plan
order by plan
