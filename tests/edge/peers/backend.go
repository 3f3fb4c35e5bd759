// Backends on Go's TLS, whose first argument names the folder of the certificates. It prints a line "NAME PORT" for each,
// then an empty one, and ends with its standard input.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	folder := os.Args[1]
	identity, err := tls.LoadX509KeyPair(filepath.Join(folder, "backend.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		log.Fatal(err)
	}
	roots, err := os.ReadFile(filepath.Join(folder, "root.pem"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	serve := func(name string, min, max uint16, clients tls.ClientAuthType) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		config := &tls.Config{
			Certificates: []tls.Certificate{identity}, MinVersion: min, MaxVersion: max, ClientAuth: clients, ClientCAs: pool,
		}
		server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
		go server.Serve(tls.NewListener(listener, config))
		fmt.Println(name, listener.Addr().(*net.TCPAddr).Port)
	}
	serve("mutual-1.2", tls.VersionTLS12, tls.VersionTLS12, tls.RequireAndVerifyClientCert)
	serve("mutual-1.3", tls.VersionTLS13, tls.VersionTLS13, tls.RequireAndVerifyClientCert)
	serve("only-1.3", tls.VersionTLS13, tls.VersionTLS13, tls.NoClientCert)
	fmt.Println()
	io.Copy(io.Discard, os.Stdin)
}
