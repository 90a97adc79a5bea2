// Latencies in buckets that are at most 1/128 of their value wide, so that any percentile is exact to 0.8 %.

#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace rival {

class Histogram {
public:
    void add(uint64_t nanoseconds) {
        counts_[index(nanoseconds)] += 1;
        total_ += 1;
        if (nanoseconds > maximum_) maximum_ = nanoseconds;
    }

    void merge(const Histogram& other) {
        for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        total_ += other.total_;
        if (other.maximum_ > maximum_) maximum_ = other.maximum_;
    }

    uint64_t total() const { return total_; }
    double maximumMicroseconds() const { return static_cast<double>(maximum_) / 1000; }

    // The latency that `share` of all are no greater than.
    double microseconds(double share) const {
        auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_));
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) return middle(i) / 1000;
        }
        return maximumMicroseconds();
    }

    // A line for each bucket that has something: the latency in µs, and the percentile that it completes.
    void write(const std::string& path) const {
        FILE* file = std::fopen(path.c_str(), "w");
        if (file == nullptr) return std::perror(path.c_str());
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] == 0) continue;
            seen += counts_[i];
            std::fprintf(
                file, "%.3f %.6f\n", middle(i) / 1000, 100.0 * static_cast<double>(seen) / static_cast<double>(total_));
        }
        std::fclose(file);
    }

private:
    static constexpr int kBits = 7;

    static size_t index(uint64_t value) {
        if (value < (2u << kBits)) return value;
        int shift = 63 - __builtin_clzll(value) - kBits;
        return (static_cast<size_t>(shift) << kBits) + (value >> shift);
    }

    static double middle(size_t index) {
        if (index < (2u << kBits)) return static_cast<double>(index);
        auto shift = static_cast<int>((index >> kBits) - 1);
        uint64_t low = (index - (static_cast<size_t>(shift) << kBits)) << shift;
        return static_cast<double>(low) + static_cast<double>(1ull << shift) / 2;
    }

    std::array<uint64_t, 65 << kBits> counts_{};
    uint64_t total_ = 0;
    uint64_t maximum_ = 0;
};

}  // namespace rival
