SELECT slot_id, creative_id,
  count_if(kind = 'impression') AS impressions,
  count_if(kind = 'click') AS clicks,
  sum(cost) AS cost
FROM events
WHERE dt = '${dt}' AND hour = '${hour}'
GROUP BY slot_id, creative_id
ORDER BY slot_id, creative_id
