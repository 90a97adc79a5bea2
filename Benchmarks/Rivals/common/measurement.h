// When a run is warm, what it counts, when it ends, and the line that it prints.

#pragma once

#include "histogram.h"
#include "options.h"

#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace rival {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

inline double processorMicroseconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// A fifth of the time goes before what is measured. What ends within the time after that counts.
class Measurement {
public:
    explicit Measurement(const Options& options)
        : seconds_(std::max(0.01, options.number("seconds", 3))), histogramPath_(options.text("histogram")) {}

    // Times begin now.
    void begin() {
        start_ = Clock::now();
        begin_ = start_ + duration(seconds_ / 5);
        end_ = begin_ + duration(seconds_);
    }

    Time start() const { return start_; }
    Time end() const { return end_; }
    bool isOver(Time now) const { return now >= end_; }

    void record(Time intended, Time now, uint64_t payloadBytes) {
        if (now < begin_ || now >= end_) return;
        std::lock_guard<std::mutex> guard(mutex_);
        add(histogram_, intended, now);
        bytes_ += payloadBytes;
    }

    // A thread's own share, without the lock.
    struct Share {
        Histogram histogram;
        uint64_t bytes = 0;
    };

    void record(Share& share, Time intended, Time now, uint64_t payloadBytes) const {
        if (now < begin_ || now >= end_) return;
        add(share.histogram, intended, now);
        share.bytes += payloadBytes;
    }

    void merge(const Share& share) {
        std::lock_guard<std::mutex> guard(mutex_);
        shares_.push_back(share);
    }

    void error(const std::string& why) {
        if (errors_.fetch_add(1) == 0) std::cerr << "error: " << why << std::endl;
    }
    uint64_t errors() const { return errors_; }

    // Sleeps through the run and notes what the process takes meanwhile.
    void watch() {
        std::this_thread::sleep_until(begin_);
        double before = processorMicroseconds();
        std::this_thread::sleep_until(end_);
        processor_ = processorMicroseconds() - before;
    }

    // Prints the line; what the program returns. `more` is added at its end.
    int report(const std::string& more = "") {
        Histogram all = histogram_;
        uint64_t bytes = bytes_;
        for (auto& share : shares_) {
            all.merge(share.histogram);
            bytes += share.bytes;
        }
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        double calls = std::max<double>(1, static_cast<double>(all.total()));
        std::printf(
            "calls_per_second=%.1f mb_per_second=%.2f p50_us=%.2f p90_us=%.2f p99_us=%.2f p999_us=%.2f max_us=%.2f "
            "cpu_us_per_call=%.3f peak_rss_kib=%ld calls=%llu errors=%llu%s\n",
            static_cast<double>(all.total()) / seconds_, static_cast<double>(bytes) / 1e6 / seconds_,
            all.microseconds(0.5), all.microseconds(0.9), all.microseconds(0.99), all.microseconds(0.999),
            all.maximumMicroseconds(), processor_ / calls, usage.ru_maxrss,
            static_cast<unsigned long long>(all.total()), static_cast<unsigned long long>(errors_.load()), more.c_str());
        std::fflush(stdout);
        if (!histogramPath_.empty()) all.write(histogramPath_);
        return errors_ == 0 && all.total() > 0 ? 0 : 1;
    }

private:
    static Clock::duration duration(double seconds) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    }

    static void add(Histogram& histogram, Time intended, Time now) {
        auto latency = std::chrono::duration_cast<std::chrono::nanoseconds>(now - intended).count();
        histogram.add(static_cast<uint64_t>(std::max<int64_t>(0, latency)));
    }

    double seconds_;
    std::string histogramPath_;
    Time start_, begin_, end_;
    std::mutex mutex_;
    Histogram histogram_;
    uint64_t bytes_ = 0;
    std::vector<Share> shares_;
    double processor_ = 0;
    std::atomic<uint64_t> errors_{0};
};

}  // namespace rival
