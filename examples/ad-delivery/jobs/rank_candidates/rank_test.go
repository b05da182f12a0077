package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

var (
	day    = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	banner = Slot{"1-banner", "banner", 1}
)

func creative(id, campaign, bid int, change ...func(*Creative)) Creative {
	c := Creative{ID: id, Campaign: campaign, Kind: "banner", Bid: bid, Budget: 1000, Starts: day.AddDate(0, 0, -1), Ends: day.AddDate(0, 0, 1)}
	for _, each := range change {
		each(&c)
	}
	return c
}

func ids(found []Candidate) []int {
	all := []int{}
	for _, c := range found {
		all = append(all, c.Creative)
	}
	return all
}

func expect(t *testing.T, found []Candidate, want ...int) {
	t.Helper()
	got := ids(found)
	if len(got) != len(want) {
		t.Fatalf("%v, not %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, not %v", got, want)
		}
	}
}

func TestTheHigherBidIsFirstWhereNothingIsKnown(t *testing.T) {
	expect(t, rank(banner, []Creative{creative(1, 1, 100), creative(2, 2, 200)}, day, 5), 2, 1)
}

func TestClicksOutweighABid(t *testing.T) {
	clicked := creative(1, 1, 100, func(c *Creative) { c.Impressions, c.Clicks = 1000, 60 })
	expect(t, rank(banner, []Creative{clicked, creative(2, 2, 200)}, day, 5), 1, 2)
}

func TestAFewClicksByChanceDoNot(t *testing.T) {
	lucky := creative(1, 1, 100, func(c *Creative) { c.Impressions, c.Clicks = 2, 1 })
	expect(t, rank(banner, []Creative{lucky, creative(2, 2, 200)}, day, 5), 2, 1)
}

func TestOneOfACampaign(t *testing.T) {
	better := creative(3, 1, 100, func(c *Creative) { c.Impressions, c.Clicks = 1000, 60 })
	expect(t, rank(banner, []Creative{creative(1, 1, 100), better}, day, 5), 3)
}

func TestWhatMayNotBeShown(t *testing.T) {
	for name, change := range map[string]func(*Creative){
		"budget spent":    func(c *Creative) { c.Spent = 901 },
		"ended":           func(c *Creative) { c.Ends = day },
		"not begun":       func(c *Creative) { c.Starts = day.Add(time.Second) },
		"of another kind": func(c *Creative) { c.Kind = "video" },
	} {
		if found := rank(banner, []Creative{creative(1, 1, 100, change)}, day, 5); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	expect(t, rank(banner, []Creative{creative(1, 1, 100, func(c *Creative) { c.Spent = 900 })}, day, 5), 1)
	expect(t, rank(Slot{"x", "banner", 1001}, []Creative{creative(1, 1, 100)}, day, 5))
}

func TestNoMoreThanThereIsRoomFor(t *testing.T) {
	expect(t, rank(banner, []Creative{creative(1, 1, 100), creative(2, 2, 200), creative(3, 3, 200)}, day, 2), 2, 3)
}

func TestWhatToDoNext(t *testing.T) {
	for _, each := range []struct {
		err  error
		want string
	}{
		{&mysql.MySQLError{Number: 1045}, "MYSQL_PASSWORD"},
		{fmt.Errorf("slots: %w", &mysql.MySQLError{Number: 1146}), "ads.sql"},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, "DB_HOST"},
	} {
		if got := next(each.err); !strings.HasPrefix(got, ". Next: ") || !strings.Contains(got, each.want) {
			t.Errorf("%v: %q", each.err, got)
		}
	}
	if got := next(errEmpty); got != "" {
		t.Errorf("no mistake of the database: %q", got)
	}
}
