package main

import (
	"bufio"
	"fmt"
	"math/bits"
	"os"
)

const histogramBits = 7

// Latencies in buckets that are at most 1/128 of their value wide, so that any percentile is exact to 0.8 %.
type histogram struct {
	counts         [65 << histogramBits]uint64
	total, maximum uint64
}

func bucket(value uint64) int {
	if value < 2<<histogramBits {
		return int(value)
	}
	shift := 63 - bits.LeadingZeros64(value) - histogramBits
	return shift<<histogramBits + int(value>>shift)
}

func middle(index int) float64 {
	if index < 2<<histogramBits {
		return float64(index)
	}
	shift := index>>histogramBits - 1
	return float64(uint64(index-shift<<histogramBits)<<shift) + float64(uint64(1)<<shift)/2
}

func (h *histogram) add(nanoseconds uint64) {
	h.counts[bucket(nanoseconds)]++
	h.total++
	if nanoseconds > h.maximum {
		h.maximum = nanoseconds
	}
}

// The latency that `share` of all are no greater than.
func (h *histogram) us(share float64) float64 {
	wanted, seen := uint64(share*float64(h.total)), uint64(0)
	for i, count := range h.counts {
		seen += count
		if seen > wanted {
			return middle(i) / 1000
		}
	}
	return float64(h.maximum) / 1000
}

// A line for each bucket that has something: the latency in µs, and the percentile that it completes.
func (h *histogram) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := bufio.NewWriter(file)
	seen := uint64(0)
	for i, count := range h.counts {
		if count > 0 {
			seen += count
			fmt.Fprintf(writer, "%.3f %.6f\n", middle(i)/1000, 100*float64(seen)/float64(h.total))
		}
	}
	return writer.Flush()
}
