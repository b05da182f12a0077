package main

import (
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"
)

// next returns what to do about a mistake of the database, for whoever reads the log at night.
func next(err error) string {
	var refused *mysql.MySQLError
	var network net.Error
	switch {
	case errors.As(err, &refused):
		switch refused.Number {
		case 1045:
			return ". Next: look at the secrets DB_USER and MYSQL_PASSWORD of jobs/rank_candidates/job.yml"
		case 1046, 1049:
			return ". Next: look at the secret DB_NAME"
		case 1142:
			return ". Next: grant it to the user"
		case 1054, 1146:
			return ". Next: make the table as in ads.sql"
		}
	case errors.As(err, &network):
		return ". Next: is the database up, is the secret DB_HOST right, may the container reach it?"
	}
	return ""
}
