// What something that takes long needs to go on after it was interrupted: numbers as bytes, kept in a file.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/stop.h"

namespace verissim {

// Numbers one behind the other, little-endian.
class StateWriter {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T> && std::endian::native == std::endian::little);
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  // The count, then the numbers.
  template <typename Container>
  void list(const Container& values) {
    number(static_cast<uint64_t>(values.size()));
    const auto bytes = std::as_bytes(std::span(values));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  size_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// Reads them in the same order. Throws InputError naming `place` where the bytes end too early.
class StateReader {
 public:
  StateReader(std::span<const std::byte> bytes, std::string place) : rest_(bytes), place_(std::move(place)) {}

  template <typename T>
  void number(T& value) {
    static_assert(std::is_arithmetic_v<T>);
    copy(&value, sizeof value);
  }
  template <typename T>
  T number() {
    T value{};
    number(value);
    return value;
  }
  template <typename T>
  void list(std::vector<T>& values) {
    static_assert(std::is_arithmetic_v<T>);
    const auto count = number<uint64_t>();
    if (count > rest_.size() / sizeof(T)) fail("fewer numbers than it says");
    values.resize(static_cast<size_t>(count));
    copy(values.data(), values.size() * sizeof(T));
  }
  // A count of things that take a byte at least.
  size_t count();
  void expect_end() const;
  [[noreturn]] void fail(const std::string& got) const;

 private:
  void copy(void* to, size_t size);

  std::span<const std::byte> rest_;
  std::string place_;
};

// Where such a state is kept, and what to begin with.
class Keeper {
 public:
  virtual ~Keeper() = default;
  // The state to go on from; empty: begin at the beginning.
  virtual std::span<const std::byte> begin_with() const = 0;
  // Whether so much time has passed since the last one that a new one should be kept.
  virtual bool is_due() const = 0;
  // Must not throw.
  virtual void keep(std::span<const std::byte> state) = 0;
  // For messages about what begin_with() gave.
  virtual std::string place() const = 0;
};

// Keeps it in a file, which is always whole (write_file) and ends with a digest of itself.
class FileKeeper final : public Keeper {
 public:
  // key: of the question and of the program; a state is gone on from only where both keys are equal.
  // seconds: between two states. With `resume` the file's state is where to begin, if there is such a file;
  // throws InputError if it is damaged or another question's.
  FileKeeper(std::string path, std::string key, double seconds, bool resume);

  std::span<const std::byte> begin_with() const override { return kept_; }
  bool is_due() const override { return since_.seconds() >= seconds_; }
  void keep(std::span<const std::byte> state) override;
  std::string place() const override { return path_; }

  // Why the last state could not be written; empty if it could.
  const std::string& failure() const { return failure_; }
  // Removes the file: there is nothing left to go on with.
  void discard();

 private:
  std::string path_;
  std::string key_;
  double seconds_;
  std::vector<std::byte> kept_;
  Stopwatch since_;
  std::string failure_;
};

}  // namespace verissim
