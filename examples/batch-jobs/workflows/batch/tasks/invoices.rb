# A PDF for each client of a month, put into the document store over HTTP.
require 'net/http'
require_relative 'db'
require_relative 'pdf'

month = ARGV.fetch(0)
abort "not a month: #{month}" unless month.match?(/\A\d{4}-\d\d\z/)

store = URI(ENV.fetch('DOCUMENTS_URL'))
rows = Db.rows("select u.id, u.name, c.title, c.amount from contracts c join users u on u.id = c.client_id where c.month = '#{month}' order by u.id, c.id")
$stdout.sync = true
Net::HTTP.start(store.host, store.port, use_ssl: store.scheme == 'https') do |http|
  rows.group_by { |id, name| [id, name] }.each do |(id, name), lines|
    total = lines.sum { |line| line[3].to_i }
    text = ["Invoice #{month}", name, '', *lines.map { |line| "#{line[2]}  #{line[3]} yen" }, '', "Total  #{total} yen"]
    path = "/invoices/#{month}/#{id}.pdf"
    answer = http.put(path, Pdf.page(text), 'Authorization' => "Bearer #{ENV.fetch('DOCUMENTS_TOKEN')}", 'Content-Type' => 'application/pdf')
    abort "#{path}: the document store says #{answer.code} #{answer.message}" unless answer.is_a?(Net::HTTPSuccess)
    puts "#{path}  #{total} yen"
  end
end
puts "#{rows.size} contracts"
