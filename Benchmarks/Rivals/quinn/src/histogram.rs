//! Latencies in buckets that are at most 1/128 of their value wide, so that any percentile is exact to 0.8 %.

use std::io::Write;

const BITS: u32 = 7;

pub struct Histogram {
    counts: Vec<u64>,
    pub total: u64,
    maximum: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { counts: vec![0; 65 << BITS], total: 0, maximum: 0 }
    }

    pub fn add(&mut self, nanoseconds: u64) {
        self.counts[index(nanoseconds)] += 1;
        self.total += 1;
        self.maximum = self.maximum.max(nanoseconds);
    }

    pub fn maximum_us(&self) -> f64 {
        self.maximum as f64 / 1000.0
    }

    /// The latency that `share` of all are no greater than.
    pub fn us(&self, share: f64) -> f64 {
        let wanted = (share * self.total as f64) as u64;
        let mut seen = 0;
        for (i, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > wanted {
                return middle(i) / 1000.0;
            }
        }
        self.maximum_us()
    }

    /// A line for each bucket that has something: the latency in µs, and the percentile that it completes.
    pub fn write(&self, path: &str) -> std::io::Result<()> {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut seen = 0;
        for (i, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            seen += count;
            writeln!(file, "{:.3} {:.6}", middle(i) / 1000.0, 100.0 * seen as f64 / self.total as f64)?;
        }
        file.flush()
    }
}

fn index(value: u64) -> usize {
    if value < 2 << BITS {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - BITS;
    ((shift as usize) << BITS) + (value >> shift) as usize
}

fn middle(index: usize) -> f64 {
    if index < 2 << BITS {
        return index as f64;
    }
    let shift = (index >> BITS) - 1;
    let low = ((index - (shift << BITS)) as u64) << shift;
    low as f64 + (1u64 << shift) as f64 / 2.0
}
