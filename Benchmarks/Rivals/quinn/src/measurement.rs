//! When a run is warm, what it counts, when it ends, and the line that it prints.

use crate::histogram::Histogram;
use crate::options::Options;
use std::fmt::Display;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A fifth of the time goes before what is measured. What ends within the time after that counts.
pub struct Measurement {
    seconds: f64,
    histogram_path: Option<String>,
    begin: Instant,
    pub end: Instant,
    counts: Mutex<Counts>,
    due: Option<tokio::sync::Mutex<mpsc::Receiver<Instant>>>,
}

struct Counts {
    histogram: Histogram,
    bytes: u64,
    errors: u64,
    lost: u64,
    processor_us: f64,
}

impl Measurement {
    /// Times begin now.
    pub fn begin(options: &Options) -> Self {
        let seconds = options.number("seconds", 3.0).max(0.01);
        let rate = options.number("rate", 0.0);
        let start = Instant::now();
        let begin = start + Duration::from_secs_f64(seconds / 5.0);
        let end = begin + Duration::from_secs_f64(seconds);
        let due = (rate > 0.0).then(|| tokio::sync::Mutex::new(pace(rate, start, end)));
        let counts = Counts { histogram: Histogram::new(), bytes: 0, errors: 0, lost: 0, processor_us: 0.0 };
        let histogram_path = options.text("histogram").map(str::to_string);
        Measurement { seconds, histogram_path, begin, end, counts: Mutex::new(counts), due }
    }

    /// When the next call is to start, or was; nil after the end.
    pub async fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        if now >= self.end || self.counts.lock().unwrap().errors > 1000 {
            return None;
        }
        match &self.due {
            None => Some(now),
            Some(due) => due.lock().await.recv().await,
        }
    }

    pub fn record(&self, intended: Instant, payload_bytes: usize) -> Instant {
        let now = Instant::now();
        if now >= self.begin && now < self.end {
            let mut counts = self.counts.lock().unwrap();
            counts.histogram.add(now.saturating_duration_since(intended).as_nanos() as u64);
            counts.bytes += payload_bytes as u64;
        }
        now
    }

    pub fn error(&self, why: impl Display) {
        let mut counts = self.counts.lock().unwrap();
        if counts.errors == 0 {
            eprintln!("error: {why}");
        }
        counts.errors += 1;
    }

    pub fn calls(&self) -> u64 {
        self.counts.lock().unwrap().histogram.total
    }

    pub fn lost(&self) {
        self.counts.lock().unwrap().lost += 1;
    }

    /// Sleeps through the run and notes what the process takes meanwhile.
    pub async fn watch(&self) {
        tokio::time::sleep_until(self.begin.into()).await;
        let before = processor_us();
        tokio::time::sleep_until(self.end.into()).await;
        self.counts.lock().unwrap().processor_us = processor_us() - before;
    }

    /// Prints the line; the status to exit with.
    pub fn report(&self, counts_losses: bool) -> i32 {
        let counts = self.counts.lock().unwrap();
        let h = &counts.histogram;
        let mut more = if counts_losses { format!(" lost={}", counts.lost) } else { String::new() };
        if let Some(due) = &self.due {
            let mut due = due.try_lock().unwrap();
            let mut behind = 0;
            while due.try_recv().is_ok() {
                behind += 1;
            }
            more += &format!(" behind={behind}");
        }
        println!(
            "calls_per_second={:.1} mb_per_second={:.2} p50_us={:.2} p90_us={:.2} p99_us={:.2} p999_us={:.2} \
             max_us={:.2} cpu_us_per_call={:.3} peak_rss_kib={} calls={} errors={}{more}",
            h.total as f64 / self.seconds,
            counts.bytes as f64 / 1e6 / self.seconds,
            h.us(0.5),
            h.us(0.9),
            h.us(0.99),
            h.us(0.999),
            h.maximum_us(),
            counts.processor_us / h.total.max(1) as f64,
            peak_rss_kib(),
            h.total,
            counts.errors,
        );
        if let Some(path) = &self.histogram_path {
            if let Err(error) = h.write(path) {
                eprintln!("error: {path}: {error}");
            }
        }
        i32::from(counts.errors > 0 || h.total == 0)
    }
}

/// A thread that names each call's time when that has come: tokio's timers are exact to a millisecond only. With a
/// rate, latencies count from when a call was to start; what cannot start yet waits here.
fn pace(rate: f64, start: Instant, end: Instant) -> mpsc::Receiver<Instant> {
    let calls = (rate * (end - start).as_secs_f64()) as usize + 1;
    let (sender, receiver) = mpsc::channel(calls.min(1 << 22));
    std::thread::spawn(move || {
        for number in 0..calls {
            let intended = start + Duration::from_secs_f64(number as f64 / rate);
            let wait = intended.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            if intended >= end || sender.blocking_send(intended).is_err() {
                return;
            }
        }
    });
    receiver
}

fn processor_us() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn peak_rss_kib() -> i64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    usage.ru_maxrss
}
