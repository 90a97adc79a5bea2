// Raw QUIC streams and HTTP/3 requests on quic-go. The command line stands in ../../README.md; this program knows
// besides `--messages N` of one client or server stream. GOMAXPROCS is left as Go has it, all cores, unless set.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

var pairs = []string{
	"quic:unary", "quic:client-stream", "quic:server-stream", "quic:ping-pong", "quic:handshake", "quic:resume",
	"quic:bulk", "quic:datagram",
	"h3:unary", "h3:client-stream", "h3:server-stream", "h3:ping-pong", "h3:handshake", "h3:bulk",
}

// Set when it is built.
var version = "unknown"

type options map[string]string

func parse(words []string) options {
	values := options{}
	for i := 0; i < len(words); i += 2 {
		if !strings.HasPrefix(words[i], "--") || i+1 >= len(words) {
			fail(fmt.Errorf("expected --name value, got '%s'", words[i]))
		}
		values[words[i][2:]] = words[i+1]
	}
	return values
}

func (o options) text(name, otherwise string) string {
	if value, isThere := o[name]; isThere {
		return value
	}
	return otherwise
}

func (o options) number(name string, otherwise float64) float64 {
	value, isThere := o[name]
	if !isThere {
		return otherwise
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || number < 0 {
		fail(fmt.Errorf("--%s must be a number, and is '%s'", name, value))
	}
	return number
}

func (o options) count(name string, otherwise int) int {
	if count := int(o.number(name, float64(otherwise))); count > 1 {
		return count
	}
	return 1
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(2)
}

// What was asked for is not something that this program does.
func unsupported(what string) {
	fmt.Fprintln(os.Stderr, "unsupported:", what)
	os.Exit(64)
}

func main() {
	verb := ""
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	options := options{}
	if len(os.Args) > 2 {
		options = parse(os.Args[2:])
	}
	wire, scenario := options.text("wire", "quic"), options.text("scenario", "unary")
	switch verb {
	case "scenarios":
		fmt.Println(strings.Join(pairs, "\n"))
	case "version":
		fmt.Println("quic-go", version)
	case "serve":
		if wire != "quic" && wire != "h3" {
			unsupported("the wire '" + wire + "'")
		}
		serve(options, wire)
	case "call":
		for _, pair := range pairs {
			if pair == wire+":"+scenario {
				os.Exit(call(options, wire, scenario))
			}
		}
		unsupported(wire + ":" + scenario)
	default:
		fail(fmt.Errorf("usage: quic-go serve|call|scenarios|version; Benchmarks/README.md has the options"))
	}
}
