#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/blas_room.h"

namespace verissim {

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable finished;
  const std::function<void(size_t)>* task = nullptr;
  size_t count = 0;
  std::atomic<size_t> next{0};
  size_t busy = 0;
  size_t round = 0;
  bool quit = false;
  std::exception_ptr error;

  // What a task throws (memory may run out) ends the round, and is thrown where run() was called.
  void work_on(const std::function<void(size_t)>& current, size_t limit) {
    try {
      for (size_t i = next.fetch_add(1); i < limit; i = next.fetch_add(1)) current(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (error == nullptr) error = std::current_exception();
      next.store(limit);
    }
  }

  void loop() {
    size_t seen = 0;
    while (true) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return quit || round != seen; });
      if (quit) return;
      seen = round;
      const auto* current = task;
      const size_t limit = count;
      lock.unlock();
      work_on(*current, limit);
      lock.lock();
      if (--busy == 0) finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  try {
    for (int i = 1; i < threads && reserve_blas_buffers(i + 1); ++i) {
      state_->workers.emplace_back([state = state_.get()] { state->loop(); });
    }
  } catch (const std::system_error&) {  // no room for its stack, or too many: those that started do
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->quit = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run(size_t count, const std::function<void(size_t)>& task) {
  State& s = *state_;
  if (s.workers.empty() || count <= 1) {
    for (size_t i = 0; i < count; ++i) task(i);
    return;
  }
  {
    const std::lock_guard lock(s.mutex);
    s.task = &task;
    s.count = count;
    s.next.store(0);
    s.busy = s.workers.size();
    ++s.round;
  }
  s.wake.notify_all();
  s.work_on(task, count);
  std::unique_lock lock(s.mutex);
  s.finished.wait(lock, [&] { return s.busy == 0; });
  if (s.error != nullptr) std::rethrow_exception(std::exchange(s.error, nullptr));
}

}  // namespace verissim
