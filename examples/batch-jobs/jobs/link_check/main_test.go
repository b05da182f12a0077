package main

import (
	"net/url"
	"testing"
)

func TestLinksAreThoseOfTheSiteEachOnce(t *testing.T) {
	at, _ := url.Parse("https://crowd.example/jobs/")
	page := `<a href="a">, <a href="/b">, <a href="a">, <a href="#top">, <a href="https://else.example/">`
	found := links(page, at)
	if len(found) != 2 || found[0].Path != "/jobs/a" || found[1].Path != "/b" {
		t.Fatalf("found %v", found)
	}
}
