// Rank_candidates writes, for each ad slot, which creatives the API servers may show, from MariaDB to MariaDB.
//
// Exit code 0: done; 3: there would be no candidate at all, so what was there stays; 1: something broke; 2: usage.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

var errEmpty = errors.New("no slot has a candidate: is there a campaign that runs? What was there stays")

const exitEmpty = 3

const creativesSQL = `
select c.id, c.campaign_id, c.kind, p.bid, p.budget, p.starts, p.ends,
  (select coalesce(sum(k.cost), 0) from clicks k join creatives o on o.id = k.creative_id where o.campaign_id = p.id),
  (select coalesce(sum(k.impressions), 0) from clicks k where k.creative_id = c.id),
  (select coalesce(sum(k.clicks), 0) from clicks k where k.creative_id = c.id)
from creatives c join campaigns p on p.id = c.campaign_id`

func open(zone *time.Location) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = os.Getenv("DB_USER"), os.Getenv("MYSQL_PASSWORD"), os.Getenv("DB_NAME")
	port := os.Getenv("DB_PORT")
	if port == "" {
		port = "3306"
	}
	config.Net, config.Addr = "tcp", os.Getenv("DB_HOST")+":"+port
	config.ParseTime, config.Loc = true, zone
	return sql.Open("mysql", config.FormatDSN())
}

func each(ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func run(ctx context.Context, db *sql.DB, at time.Time, most int) error {
	var creatives []Creative
	err := each(ctx, db, creativesSQL, func(rows *sql.Rows) error {
		var c Creative
		defer func() { creatives = append(creatives, c) }()
		return rows.Scan(&c.ID, &c.Campaign, &c.Kind, &c.Bid, &c.Budget, &c.Starts, &c.Ends, &c.Spent, &c.Impressions, &c.Clicks)
	})
	if err != nil {
		return err
	}
	found, slots := map[string][]Candidate{}, 0
	err = each(ctx, db, "select id, kind, floor from slots", func(rows *sql.Rows) error {
		var s Slot
		if err := rows.Scan(&s.ID, &s.Kind, &s.Floor); err != nil {
			return err
		}
		slots++
		if ranked := rank(s, creatives, at, most); len(ranked) > 0 {
			found[s.ID] = ranked
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errEmpty
	}
	count, err := write(ctx, db, found)
	if err == nil {
		fmt.Printf("%d creatives, %d slots: %d candidates\n", len(creatives), slots, count)
	}
	return err
}

// write replaces all candidates at once: readers see the old ones or the new ones.
func write(ctx context.Context, db *sql.DB, found map[string][]Candidate) (int, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "delete from candidates"); err != nil {
		return 0, err
	}
	count := 0
	for slot, ranked := range found {
		for place, c := range ranked {
			if _, err := tx.ExecContext(ctx, "insert into candidates values (?, ?, ?, ?)", slot, place+1, c.Creative, c.Value); err != nil {
				return 0, err
			}
			count++
		}
	}
	return count, tx.Commit()
}

func main() {
	session := flag.String("at", "", "the session's time, as 2026-11-21T09:10:00+09:00")
	most := flag.Int("most", 20, "candidates of a slot at most")
	flag.Parse()
	at, err := time.Parse(time.RFC3339, *session)
	if err != nil || flag.NArg() > 0 || *most < 1 {
		fmt.Fprintln(os.Stderr, "usage: rank_candidates -at 2026-11-21T09:10:00+09:00 [-most N]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	db, err := open(at.Location())
	if err == nil {
		err = run(ctx, db, at, *most)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "rank_candidates: %v%s\n", err, next(err))
		if errors.Is(err, errEmpty) {
			os.Exit(exitEmpty)
		}
		os.Exit(1)
	}
}
