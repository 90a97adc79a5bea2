// Starts calls: the next one when one has ended (closed loop), or at a fixed rate whatever the answers do (open loop).

#pragma once

#include "measurement.h"

#include <condition_variable>
#include <deque>

namespace rival {

// One place for a call. `begin` starts one and returns; Workers::ended is called when it is over.
class Worker {
public:
    virtual ~Worker() = default;
    virtual void begin(Time intended) = 0;
    // No more calls come; Workers::left is called when the worker is done.
    virtual void finish() = 0;
};

// With a rate, latencies count from when a call was to start: a server that stalls delays the calls after the one it
// stalled on, and that is in the figures. At most as many calls are under way as there are workers; what is due waits.
class Workers {
public:
    Workers(Measurement& measurement, const Options& options)
        : measurement_(measurement), rate_(options.number("rate", 0)) {}

    ~Workers() {
        if (pacer_.joinable()) pacer_.join();
    }

    void start(const std::vector<Worker*>& workers) {
        running_ = workers.size();
        measurement_.begin();
        if (rate_ > 0) {
            idle_.assign(workers.begin(), workers.end());
            pacer_ = std::thread([this] { pace(); });
        } else {
            for (auto* worker : workers) worker->begin(Clock::now());
        }
    }

    void ended(Worker* worker, Time now) {
        if (measurement_.isOver(now) || measurement_.errors() > 1000) return worker->finish();
        if (rate_ <= 0) return worker->begin(now);
        Time intended;
        {
            std::lock_guard<std::mutex> guard(mutex_);
            if (due_.empty() && isPaced_) return worker->finish();
            if (due_.empty()) return idle_.push_back(worker);
            intended = due_.front();
            due_.pop_front();
        }
        worker->begin(intended);
    }

    void left() {
        std::lock_guard<std::mutex> guard(mutex_);
        running_ -= 1;
        done_.notify_all();
    }

    // Until every worker has left, or that takes too long.
    void wait() {
        measurement_.watch();
        std::unique_lock<std::mutex> guard(mutex_);
        if (!done_.wait_for(guard, std::chrono::seconds(10), [this] { return running_ == 0; })) {
            measurement_.error(std::to_string(running_) + " calls did not end");
        }
    }

    // What was due and could not be started in time.
    std::string more() const { return rate_ > 0 ? " behind=" + std::to_string(behind_) : ""; }

private:
    void pace() {
        for (uint64_t number = 0;; ++number) {
            auto offset = std::chrono::duration<double>(static_cast<double>(number) / rate_);
            Time intended = measurement_.start() + std::chrono::duration_cast<Clock::duration>(offset);
            if (intended >= measurement_.end()) break;
            std::this_thread::sleep_until(intended);
            Worker* worker = nullptr;
            {
                std::lock_guard<std::mutex> guard(mutex_);
                if (idle_.empty()) {
                    due_.push_back(intended);
                } else {
                    worker = idle_.front();
                    idle_.pop_front();
                }
            }
            if (worker != nullptr) worker->begin(intended);
        }
        std::this_thread::sleep_until(measurement_.end());
        std::deque<Worker*> idle;
        {
            std::lock_guard<std::mutex> guard(mutex_);
            behind_ = due_.size();
            due_.clear();
            isPaced_ = true;
            idle.swap(idle_);
        }
        for (auto* worker : idle) worker->finish();
    }

    Measurement& measurement_;
    double rate_;
    std::thread pacer_;
    std::mutex mutex_;
    std::condition_variable done_;
    std::deque<Worker*> idle_;
    std::deque<Time> due_;
    size_t running_ = 0;
    size_t behind_ = 0;
    bool isPaced_ = false;
};

}  // namespace rival
