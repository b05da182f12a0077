# frozen_string_literal: true

require 'csv'
require 'fileutils'
require 'open3'
require 'uri'

# The users who came on a day, as a CSV file: the access log has their ids, the market's database knows who they are.
class AccessReport
  # 203.0.113.9 - 42 [20/Nov/2026:23:59:59 +0900] "GET /work/detail/9 HTTP/1.1" 200 512 "-" "Mozilla/5.0"
  LINE = /\A\S+ \S+ (?<user>\d+) \[\d+\/\w+\/\d+:(?<time>\d\d:\d\d:\d\d) [^\]]*\] "/
  COLUMNS = %w[id name prefecture].freeze
  IDS_A_QUERY = 1_000
  NEXT = 'Next: look at the parameter `logs`; did the web servers write one that day?'
  Seen = Struct.new(:requests, :first, :last)

  def self.visitors(log:, day:, source:)
    seen = read(log)
    path = File.join(ENV.fetch('STEPDIG_WORKSPACE'), 'access', "#{day}.csv")
    rows = write(path, seen, users(URI(source), seen.keys))
    puts "#{rows} users came on #{day}: #{path}"
    Digdag.env.store(visitors: rows)
  end

  # Lines without a user are those of nobody who is logged in.
  def self.read(log)
    seen = {}
    lines(log) do |line|
      match = LINE.match(line.scrub) or next
      visit = (seen[Integer(match[:user], 10)] ||= Seen.new(0, match[:time], match[:time]))
      visit.requests += 1
      visit.first, visit.last = [visit.first, visit.last, match[:time]].minmax
    end
    seen
  end

  def self.lines(log, &block)
    unless log.start_with?('s3://')
      raise "there is no access log #{log}. #{NEXT}" unless File.file?(log)

      return File.foreach(log, encoding: 'UTF-8', &block)
    end
    IO.popen(['aws', 's3', 'cp', log, '-']) { |pipe| pipe.each_line(&block) }
    raise "the access log #{log} could not be read. #{NEXT}" unless $?.success?
  end

  def self.users(source, ids)
    ids.each_slice(IDS_A_QUERY).flat_map do |some|
      query(source, "select #{COLUMNS.join(', ')} from users where id in (#{some.join(', ')}) order by id")
    end
  end

  def self.query(source, sql)
    client = ['mariadb', '--no-defaults', '--protocol=tcp', "--host=#{source.host}", "--port=#{source.port || 3306}",
              "--user=#{source.user}", '--default-character-set=utf8mb4', '--batch', '--skip-column-names']
    password = { 'MYSQL_PWD' => ENV.fetch('SOURCE_PASSWORD', '') }
    out, error, status = Open3.capture3(password, *client, source.path.delete_prefix('/'), stdin_data: sql)
    raise "the market's database: #{error.strip}" unless status.success?

    out.force_encoding('UTF-8').lines(chomp: true).map { |line| line.split("\t", -1) }
  end

  # Beside its place first, then moved: nobody reads half a report.
  def self.write(path, seen, users)
    FileUtils.mkdir_p(File.dirname(path))
    CSV.open("#{path}.new", 'w') do |csv|
      csv << [*COLUMNS, 'requests', 'first', 'last']
      users.each { |user| csv << [*user, *seen.fetch(Integer(user.first, 10))] }
    end
    File.rename("#{path}.new", path)
    users.size
  end
end
