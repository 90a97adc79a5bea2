package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// When a run is warm, what it counts, when it ends. A fifth of the time goes before what is measured; what ends within
// the time after that counts.
type measurement struct {
	seconds, rate     float64
	path              string
	start, begin, end time.Time
	due               chan time.Time

	mutex        sync.Mutex
	histogram    histogram
	bytes        uint64
	errors, lost int
	processor    float64
}

// Times begin now.
func begin(options options) *measurement {
	seconds := options.number("seconds", 3)
	if seconds < 0.01 {
		seconds = 0.01
	}
	m := &measurement{
		seconds: seconds, rate: options.number("rate", 0), path: options.text("histogram", ""), start: time.Now(),
	}
	m.begin = m.start.Add(time.Duration(seconds / 5 * 1e9))
	m.end = m.begin.Add(time.Duration(seconds * 1e9))
	if m.rate > 0 {
		m.due = make(chan time.Time, 1<<20)
		go m.pace()
	}
	return m
}

// With a rate, latencies count from when a call was to start; what cannot start yet waits in the channel.
func (m *measurement) pace() {
	defer close(m.due)
	for number := 0; ; number++ {
		intended := m.start.Add(time.Duration(float64(number) / m.rate * 1e9))
		if !intended.Before(m.end) {
			return
		}
		if wait := time.Until(intended); wait > 0 {
			time.Sleep(wait)
		}
		m.due <- intended
	}
}

// When the next call is to start, or was; false after the end.
func (m *measurement) next() (time.Time, bool) {
	now := time.Now()
	if now.After(m.end) {
		return now, false
	}
	if m.due == nil {
		return now, true
	}
	intended, isThere := <-m.due
	return intended, isThere
}

func (m *measurement) record(intended time.Time, payloadBytes int) {
	now := time.Now()
	if now.Before(m.begin) || !now.Before(m.end) {
		return
	}
	m.mutex.Lock()
	m.histogram.add(uint64(now.Sub(intended)))
	m.bytes += uint64(payloadBytes)
	m.mutex.Unlock()
}

func (m *measurement) error(err error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.errors == 0 {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	m.errors++
}

// Sleeps through the run and notes what the process takes meanwhile.
func (m *measurement) watch() {
	time.Sleep(time.Until(m.begin))
	before := processorMicroseconds()
	time.Sleep(time.Until(m.end))
	m.mutex.Lock()
	m.processor = processorMicroseconds() - before
	m.mutex.Unlock()
}

func usage() syscall.Rusage {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage
}

func processorMicroseconds() float64 {
	usage := usage()
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

// Prints the line; the status to exit with.
func (m *measurement) report(more string) int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.due != nil {
		behind := 0
		for range m.due {
			behind++
		}
		more += fmt.Sprintf(" behind=%d", behind)
	}
	h, calls := &m.histogram, m.histogram.total
	if calls == 0 {
		calls = 1
	}
	fmt.Printf("calls_per_second=%.1f mb_per_second=%.2f p50_us=%.2f p90_us=%.2f p99_us=%.2f p999_us=%.2f max_us=%.2f "+
		"cpu_us_per_call=%.3f peak_rss_kib=%d calls=%d errors=%d%s\n",
		float64(h.total)/m.seconds, float64(m.bytes)/1e6/m.seconds, h.us(0.5), h.us(0.9), h.us(0.99), h.us(0.999),
		float64(h.maximum)/1000, m.processor/float64(calls), usage().Maxrss, h.total, m.errors, more)
	if m.path != "" {
		if err := h.write(m.path); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
		}
	}
	if m.errors > 0 || h.total == 0 {
		return 1
	}
	return 0
}
