// A pool of threads for loops whose result does not depend on how many threads there are: the caller fixes
// the chunks, the pool only decides who works on them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace verissim {

class ThreadPool {
 public:
  // threads <= 0: as many as the machine offers. Fewer if there is no room for so many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  // Calls task(0), ..., task(count - 1), each once, in any order and from several threads; returns when all
  // are done. Tasks must not throw. Not reentrant.
  void run(size_t count, const std::function<void(size_t)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace verissim
