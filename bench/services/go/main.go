// The benchmarks' service on Go's net/http and pgx, as one would write it: the defaults of both.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"
)

const work = time.Millisecond // of a request to /cpu

type item struct {
	ID         int      `json:"id"`
	Name       string   `json:"name"`
	PriceCents int      `json:"price_cents"`
	InStock    bool     `json:"in_stock"`
	Tags       []string `json:"tags"`
}

type row struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	PriceCents int    `json:"price_cents"`
}

func answer(to http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(to, "internal server error", http.StatusInternalServerError)
		return
	}
	to.Header().Set("Content-Type", "application/json")
	to.Write(text)
}

func threadCPU() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now)
	return time.Duration(now.Nano())
}

func compute(to http.ResponseWriter, _ *http.Request) {
	runtime.LockOSThread() // the clock is that of the thread
	defer runtime.UnlockOSThread()
	for end := threadCPU() + work; threadCPU() < end; {
	}
	to.Write([]byte("worked\n"))
}

func rows(pool *pgxpool.Pool) http.HandlerFunc {
	return func(to http.ResponseWriter, asked *http.Request) {
		id, err := strconv.Atoi(asked.PathValue("id"))
		if err != nil {
			http.Error(to, "not found", http.StatusNotFound)
			return
		}
		var found row
		err = pool.QueryRow(asked.Context(), "SELECT id, name, price_cents FROM items WHERE id = $1", id).
			Scan(&found.ID, &found.Name, &found.PriceCents)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			http.Error(to, "not found", http.StatusNotFound)
		case err != nil:
			http.Error(to, "unavailable", http.StatusServiceUnavailable)
		default:
			answer(to, found)
		}
	}
}

func main() {
	port := flag.Int("port", 8080, "TCP port")
	database := flag.String("database", "", "PostgreSQL URL, for /rows/{id}")
	flag.Parse()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", func(to http.ResponseWriter, _ *http.Request) { to.Write([]byte("hello, world\n")) })
	routes.HandleFunc("GET /json", func(to http.ResponseWriter, _ *http.Request) {
		answer(to, item{42, "garden chair", 12900, true, []string{"outdoor", "wood", "new"}})
	})
	routes.HandleFunc("GET /cpu", compute)
	if *database != "" {
		config, err := pgxpool.ParseConfig(*database)
		if err != nil {
			log.Fatal(err)
		}
		config.MaxConns = 10
		pool, err := pgxpool.NewWithConfig(context.Background(), config)
		if err != nil {
			log.Fatal(err)
		}
		routes.HandleFunc("GET /rows/{id}", rows(pool))
	}
	server := &http.Server{Addr: "127.0.0.1:" + strconv.Itoa(*port), Handler: routes}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
