// Link_check fetches a page of the site at $SITE_URL and asks for each of its links.
//
// Exit code 0: all lead somewhere; 4: some do not, each is named; 1: the page itself could not be read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"time"
)

const broken = 4

var href = regexp.MustCompile(`href="([^"#][^"]*)"`)

// links returns what a page leads to on its own site, each once, in the order of the page.
func links(page string, at *url.URL) []*url.URL {
	seen := map[string]bool{}
	var found []*url.URL
	for _, match := range href.FindAllStringSubmatch(page, -1) {
		to, err := at.Parse(match[1])
		if err != nil || to.Host != at.Host || seen[to.String()] {
			continue
		}
		seen[to.String()] = true
		found = append(found, to)
	}
	return found
}

type checker struct {
	client *http.Client
	agent  string
}

// get returns the body of a page, or why there is none.
func (c checker) get(ctx context.Context, at *url.URL) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("User-Agent", c.agent)
	answer, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if answer.StatusCode >= 400 {
		return "", errors.New(answer.Status)
	}
	return string(body), err
}

// check asks for each link, some at a time, and returns how many are broken.
func (c checker) check(ctx context.Context, all []*url.URL, parallel int, out io.Writer) int {
	var (
		group sync.WaitGroup
		lock  sync.Mutex
		slots = make(chan struct{}, parallel)
		count int
	)
	for _, link := range all {
		group.Add(1)
		slots <- struct{}{}
		go func(link *url.URL) {
			defer group.Done()
			defer func() { <-slots }()
			if _, err := c.get(ctx, link); err != nil {
				lock.Lock()
				defer lock.Unlock()
				count++
				fmt.Fprintf(out, "broken: %s: %v\n", link.Path, err)
			}
		}(link)
	}
	group.Wait()
	return count
}

func main() {
	parallel := flag.Int("parallel", 4, "requests at a time")
	flag.Parse()
	site, err := url.Parse(os.Getenv("SITE_URL"))
	if err != nil || site.Host == "" || flag.NArg() != 1 || *parallel < 1 {
		fmt.Fprintln(os.Stderr, "usage: SITE_URL=https://... link_check [-parallel N] PAGE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	c := checker{&http.Client{Timeout: 30 * time.Second}, os.Getenv("USER_AGENT")}
	at, err := site.Parse(flag.Arg(0))
	if err == nil {
		var page string
		if page, err = c.get(ctx, at); err == nil {
			all := links(page, at)
			bad := c.check(ctx, all, *parallel, os.Stdout)
			fmt.Printf("%d links of %s, %d broken\n", len(all), at.Path, bad)
			if bad > 0 {
				os.Exit(broken)
			}
			return
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", flag.Arg(0), err)
	os.Exit(1)
}
