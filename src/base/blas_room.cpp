#include "base/blas_room.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <mutex>
#include <vector>

namespace verissim {
namespace {

// OpenBLAS has no name for it; this is what it maps on all machines of 64 bits with more than a few cores.
constexpr size_t kBuffer = size_t{128} << 20;
// Left for others who ask for memory between this look and OpenBLAS's.
constexpr size_t kSlack = size_t{8} << 20;

bool is_room() {
  constexpr size_t kSize = kBuffer + kSlack;
  void* place = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return place != MAP_FAILED && ::munmap(place, kSize) == 0;
}

}  // namespace

bool reserve_blas_buffers(int threads) {
  using Take = void* (*)(int);
  using Give = void (*)(void*);
  static const auto take = reinterpret_cast<Take>(::dlsym(RTLD_DEFAULT, "blas_memory_alloc"));
  static const auto give = reinterpret_cast<Give>(::dlsym(RTLD_DEFAULT, "blas_memory_free"));
  static std::mutex mutex;
  static int reserved = 0;
  if (take == nullptr || give == nullptr) return true;
  const std::lock_guard lock(mutex);
  // All at a time, for a buffer that is given back is taken again instead of a new one.
  std::vector<void*> taken;
  for (int i = 0; i < threads && reserved < threads; ++i) {
    if (i >= reserved && !is_room()) break;
    taken.push_back(take(0));
  }
  if (static_cast<int>(taken.size()) > reserved) reserved = static_cast<int>(taken.size());
  for (void* buffer : taken) give(buffer);
  return reserved >= threads;
}

}  // namespace verissim
