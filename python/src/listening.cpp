#include "listening.h"

#include <nanobind/stl/string.h>

#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <thread>

namespace verissim::python {
namespace nb = nanobind;
namespace {

constexpr std::chrono::milliseconds kPeriod{50};

class Worker {
 public:
  explicit Worker(const std::function<void()>& work) : thread_([this, &work] { run(work); }) {}
  ~Worker() { thread_.join(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Returns whether the work is done, after a period at the latest.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPeriod, [&] { return done_; });
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_; });
  }
  std::exception_ptr error() const { return error_; }

 private:
  void run(const std::function<void()>& work) {
    std::fesetenv(FE_DFL_ENV);
    try {
      work();
    } catch (...) {
      error_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::exception_ptr error_;
  std::thread thread_;  // the last member: it uses the others
};

void tell(const nb::object& progress, News& news) {
  if (progress.is_none()) return;
  const std::optional<News::Item> item = news.take();
  if (!item) return;
  progress(item->phase, item->seconds, item->nodes, item->open, item->lower_bound, item->upper_bound,
           item->asked, item->proved, item->refuted);
}

void look_around(const nb::object& progress, News& news) {
  const nb::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  tell(progress, news);
}

}  // namespace

void News::on_progress(const search::Progress& progress) {
  const std::lock_guard lock(mutex_);
  item_.phase = progress.phase;
  item_.seconds = progress.seconds;
  item_.nodes = progress.nodes;
  item_.open = progress.open;
  item_.lower_bound = progress.lower_bound;
  item_.upper_bound = progress.upper_bound;
  fresh_ = true;
}

void News::on_question(const search::Bracket& bracket, const search::Limit& asked) {
  const std::lock_guard lock(mutex_);
  item_ = {};
  item_.phase = "question";
  item_.asked = asked.value.text();
  if (bracket.proved) item_.proved = bracket.proved->value.text();
  if (bracket.refuted) item_.refuted = bracket.refuted->value.text();
  fresh_ = true;
}

std::optional<News::Item> News::take() {
  const std::lock_guard lock(mutex_);
  if (!fresh_) return std::nullopt;
  fresh_ = false;
  return item_;
}

void while_listening(const nb::object& progress,
                     const std::function<void(const InterruptFlag&, News&)>& work) {
  InterruptFlag interrupt;
  News news;
  const std::function<void()> task = [&] { work(interrupt, news); };
  std::exception_ptr error;
  {
    const nb::gil_scoped_release free;
    Worker worker(task);
    try {
      while (!worker.wait()) look_around(progress, news);
    } catch (...) {
      error = std::current_exception();
      interrupt.set();
      worker.wait_for_end();
    }
    if (!error) error = worker.error();
  }
  if (error) std::rethrow_exception(error);
  tell(progress, news);
}

}  // namespace verissim::python
