package main

import (
	"sort"
	"time"
)

// A Creative is what could be shown, with its campaign and what its clicks were.
type Creative struct {
	ID, Campaign        int
	Kind                string
	Bid, Budget, Spent  int // yen
	Starts, Ends        time.Time
	Impressions, Clicks int
}

// A Slot is a place on a page; Floor is the least that a thousand impressions may bring, in yen.
type Slot struct {
	ID, Kind string
	Floor    int
}

// A Candidate is a creative with what a thousand impressions of it are expected to bring, in yen.
type Candidate struct {
	Creative int
	Value    float64
}

// A creative without clicks counts as if it had been shown so often, and clicked once in a hundred times.
const priorImpressions, priorRate = 200, 0.01

// value returns what a thousand impressions bring.
func value(c Creative) float64 {
	rate := (float64(c.Clicks) + priorImpressions*priorRate) / (float64(c.Impressions) + priorImpressions)
	return 1000 * rate * float64(c.Bid)
}

// runs tells whether a campaign runs at a time and can pay one more click.
func runs(c Creative, at time.Time) bool {
	return !at.Before(c.Starts) && at.Before(c.Ends) && c.Spent+c.Bid <= c.Budget
}

// rank returns the best candidates of a slot, the best first, one of each campaign.
func rank(slot Slot, all []Creative, at time.Time, most int) []Candidate {
	best := map[int]Candidate{}
	for _, c := range all {
		if c.Kind != slot.Kind || !runs(c, at) || value(c) < float64(slot.Floor) {
			continue
		}
		if known, is := best[c.Campaign]; !is || value(c) > known.Value {
			best[c.Campaign] = Candidate{c.ID, value(c)}
		}
	}
	found := make([]Candidate, 0, len(best))
	for _, c := range best {
		found = append(found, c)
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].Value != found[j].Value {
			return found[i].Value > found[j].Value
		}
		return found[i].Creative < found[j].Creative
	})
	if len(found) > most {
		found = found[:most]
	}
	return found
}
