// A net/http server with and without a check of signed URLs: `server <without|with>`.
//
// net/http has no such middleware, and no package of that kind is in general use: this is what one writes with the
// standard library.
//
// It prints its address, a link that works for an hour, and one that expired an hour ago.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const path = "/files/report.pdf"

var secret = []byte(strings.Repeat("\x07", 32))

func mac(path, expires string) []byte {
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, path+"?exp="+expires)
	return mac.Sum(nil)
}

func mint(expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return path + "?exp=" + exp + "&sig=" + base64.RawURLEncoding.EncodeToString(mac(path, exp))
}

func signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		signature, err := base64.RawURLEncoding.DecodeString(query.Get("sig"))
		if err != nil || !hmac.Equal(signature, mac(r.URL.Path, query.Get("exp"))) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		expires, err := strconv.ParseInt(query.Get("exp"), 10, 64)
		if err != nil || time.Now().Unix() >= expires {
			http.Error(w, "gone", http.StatusGone)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
	})
	switch variant := os.Args[1]; variant {
	case "without":
	case "with":
		handler = signed(handler)
	default:
		log.Fatalf("no such variant: %s", variant)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+path, handler)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	fmt.Println(mint(time.Now().Add(time.Hour)))
	fmt.Println(mint(time.Now().Add(-time.Hour)))
	log.Fatal(http.Serve(listener, mux))
}
