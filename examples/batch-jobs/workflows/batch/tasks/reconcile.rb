# Contracts of a month against what was paid. Exit code 3: they differ, which somebody has to look at; 1 and 2 are for what broke.
require_relative 'db'

DIFFERS = 3
month = ARGV.fetch(0)
abort "not a month: #{month}" unless month.match?(/\A\d{4}-\d\d\z/)

rows = Db.rows("select c.id, c.amount, coalesce(sum(p.amount), 0) from contracts c left join payments p on p.contract_id = c.id where c.month = '#{month}' group by c.id, c.amount order by c.id")
wrong = rows.reject { |_, amount, paid| amount == paid }
wrong.each { |id, amount, paid| puts "contract #{id}: #{amount} yen agreed on, #{paid} yen paid" }
puts "#{rows.size} contracts of #{month}, #{wrong.size} not paid in full"
exit DIFFERS unless wrong.empty?
