# The database by its own client, which reads the password from the environment: rows of texts.
module Db
  def self.rows(sql)
    argv = ['mariadb', '--no-defaults', '--batch', '--skip-column-names', '-h', ENV.fetch('DB_HOST')]
    argv += ['-P', ENV.fetch('DB_PORT', '3306'), '-u', ENV.fetch('DB_USER'), ENV.fetch('DB_NAME'), '-e', sql]
    out = IO.popen({ 'MYSQL_PWD' => ENV.fetch('MYSQL_PASSWORD') }, argv, &:read)
    exit $?.exitstatus unless $?.success? # the client has said why
    out.lines(chomp: true).map { |line| line.split("\t") }
  end
end
