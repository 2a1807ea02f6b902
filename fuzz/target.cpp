#include "fuzz/target.h"

#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "fuzz/memory.h"

namespace verissim::fuzz {
namespace {

// A message goes to terminals and into logs: one line, and nothing that a terminal obeys.
void check_message(const std::string& message) {
  if (message.empty()) fail("an InputError without a message");
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      fail("a control character in the message: " + message);
  }
  for (size_t i = 0; i + 1 < message.size(); ++i) {
    const auto next = static_cast<unsigned char>(message[i + 1]);
    if (message[i] == '\xc2' && next >= 0x80 && next < 0xa0)
      fail("U+0080 to U+009F in the message: " + message);
  }
}

}  // namespace

void fail(const std::string& why) {
  std::fprintf(stderr, "fuzz: %s\n", why.c_str());
  std::abort();
}

size_t try_input(std::span<const std::byte> data) {
  start_memory();
  try {
    read(data);
  } catch (const InputError& error) {
    check_message(error.what());
  }
  const size_t most = stop_memory();
  if (most > kMemory.base + kMemory.factor * data.size()) {
    fail(std::to_string(most) + " bytes of memory for " + std::to_string(data.size()) + " bytes of input");
  }
  return most;
}

}  // namespace verissim::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  verissim::fuzz::try_input({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
