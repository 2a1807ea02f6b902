#include "fuzz/memory.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VERISSIM_FUZZ_HOOKS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VERISSIM_FUZZ_HOOKS
#endif

namespace verissim::fuzz {
namespace {

std::atomic<int64_t> held{0};
std::atomic<int64_t> most{0};
std::atomic<int64_t> at_start{0};

void add(int64_t bytes) {
  const int64_t now = held += bytes;
  for (int64_t old = most; now > old && !most.compare_exchange_weak(old, now);) {
  }
}

}  // namespace
}  // namespace verissim::fuzz

#ifdef VERISSIM_FUZZ_HOOKS

// The sanitizer's own malloc tells us. GCC has these functions, but not the header that declares them.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, size_t),
                                              void (*on_free)(const volatile void*));
size_t __sanitizer_get_allocated_size(const volatile void* pointer);
}

namespace verissim::fuzz {
namespace {

void on_malloc(const volatile void*, size_t size) { add(static_cast<int64_t>(size)); }
void on_free(const volatile void* pointer) {
  if (pointer == nullptr) return;
  add(-static_cast<int64_t>(__sanitizer_get_allocated_size(pointer)));
}
void install() {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  static_cast<void>(installed);
}

}  // namespace
}  // namespace verissim::fuzz

#else

// Our functions stand before those of the C library and call them.
#include <malloc.h>

namespace verissim::fuzz {
namespace {
void install() {}
}  // namespace
}  // namespace verissim::fuzz

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* pointer);

static void* counted(void* pointer) {
  if (pointer != nullptr) verissim::fuzz::add(static_cast<int64_t>(malloc_usable_size(pointer)));
  return pointer;
}
static void uncounted(void* pointer) {
  if (pointer != nullptr) verissim::fuzz::add(-static_cast<int64_t>(malloc_usable_size(pointer)));
}

void* malloc(size_t size) { return counted(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }
void* memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** result, size_t alignment, size_t size) {
  *result = memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}
void free(void* pointer) {
  uncounted(pointer);
  __libc_free(pointer);
}
void* realloc(void* pointer, size_t size) {
  const auto before = static_cast<int64_t>(pointer == nullptr ? 0 : malloc_usable_size(pointer));
  void* result = __libc_realloc(pointer, size);
  if (result != nullptr || size == 0) verissim::fuzz::add(-before);
  return counted(result);
}
}  // extern "C"

#endif

namespace verissim::fuzz {

void start_memory() {
  install();
  at_start = held.load();
  most = held.load();
}

size_t stop_memory() { return static_cast<size_t>(std::max<int64_t>(most - at_start, 0)); }

}  // namespace verissim::fuzz
