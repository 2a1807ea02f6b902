#include "base/state.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"

namespace verissim {
namespace {

constexpr std::string_view kStart = "verissim state 1\n";
constexpr size_t kDigits = 64;  // of a digest

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append(std::vector<std::byte>& bytes, std::string_view text) {
  const auto more = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// What lies between the key and the digest.
std::vector<std::byte> read_state(const std::string& path, const std::string& key) {
  const std::vector<std::byte> file = read_file(path);
  const size_t header = kStart.size() + kDigits;
  const bool recognised = file.size() >= header + kDigits && text_of(file).starts_with(kStart);
  if (!recognised) throw InputError(path, "", "no state of this version", "a state that verissim has kept");
  const auto body = std::span(file).first(file.size() - kDigits);
  if (sha256(body) != text_of(file).substr(body.size()))
    throw InputError(path, "", "a damaged state", "a whole one");
  if (text_of(file).substr(kStart.size(), kDigits) != sha256(std::as_bytes(std::span(key))))
    throw InputError(path, "", "the state of another question, or of another version of verissim",
                     "this one's");
  return {body.begin() + static_cast<std::ptrdiff_t>(header), body.end()};
}

}  // namespace

void StateReader::fail(const std::string& got) const { throw InputError(place_, "", got, "a whole state"); }

void StateReader::copy(void* to, size_t size) {
  if (size > rest_.size()) fail("its end too early");
  if (size > 0) std::memcpy(to, rest_.data(), size);
  rest_ = rest_.subspan(size);
}

size_t StateReader::count() {
  const auto value = number<uint64_t>();
  if (value > rest_.size()) fail("fewer parts than it says");
  return static_cast<size_t>(value);
}

void StateReader::expect_end() const {
  if (!rest_.empty()) fail("bytes behind its end");
}

FileKeeper::FileKeeper(std::string path, std::string key, double seconds, bool resume)
    : path_(std::move(path)), key_(std::move(key)), seconds_(seconds) {
  std::error_code error;
  if (resume && std::filesystem::exists(path_, error)) kept_ = read_state(path_, key_);
}

void FileKeeper::keep(std::span<const std::byte> state) {
  std::vector<std::byte> file;
  file.reserve(state.size() + kStart.size() + 2 * kDigits);
  append(file, kStart);
  append(file, sha256(std::as_bytes(std::span(key_))));
  file.insert(file.end(), state.begin(), state.end());
  append(file, sha256(file));
  failure_.clear();
  try {
    write_file(path_, file);
  } catch (const InputError& error) {
    failure_ = error.what();
  }
  since_ = Stopwatch();
}

void FileKeeper::discard() { ::unlink(path_.c_str()); }

}  // namespace verissim
