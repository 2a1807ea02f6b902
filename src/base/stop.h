// When to stop early: a time limit, or an interrupt from outside.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>

namespace verissim {

// Set by a signal handler or another thread; polled by everything that takes long.
class InterruptFlag {
 public:
  void set() { flag_.store(true, std::memory_order_relaxed); }
  bool is_set() const { return flag_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> flag_{false};
};

// Seconds since construction, on a clock that never jumps.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Copyable. The flag, if any, must outlive it.
class StopToken {
 public:
  // Never stops.
  StopToken() = default;
  // seconds <= 0: no time limit.
  explicit StopToken(double seconds, const InterruptFlag* interrupt = nullptr);

  // A token that stops when this one does, and after `seconds` at the latest (<= 0: no further limit).
  StopToken within(double seconds) const;

  bool interrupted() const { return interrupt_ != nullptr && interrupt_->is_set(); }
  bool timed_out() const { return deadline_ && std::chrono::steady_clock::now() >= *deadline_; }
  bool stop_requested() const { return interrupted() || timed_out(); }
  // Infinite if there is no limit.
  double seconds_left() const;

 private:
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  const InterruptFlag* interrupt_ = nullptr;
};

}  // namespace verissim
