// The wire format of protocol buffers: a message is a row of numbered fields.
// Source: https://protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace verissim::network {

enum class ProtoWire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtoField {
  uint32_t number = 0;
  ProtoWire wire = ProtoWire::kVarint;
  uint64_t value = 0;                // unless it is kBytes
  std::span<const std::byte> bytes;  // of kBytes; lies within the message
  size_t position = 0;               // of the field's first byte in the file
  size_t end = 0;                    // of the byte behind it
};

// Reads the fields of one message, of which it copies nothing. What is nested is read by another reader, as
// deep as the caller's own structure goes. All methods throw InputError naming the file and the byte.
class ProtoReader {
 public:
  // The message `what` ("graph.node"), which begins at byte `start` of the file. `file` must outlive this.
  ProtoReader(const std::string& file, std::string what, std::span<const std::byte> data, size_t start = 0)
      : file_(&file), what_(std::move(what)), data_(data), start_(start) {}

  // The next field, of any number; nothing at the end of the message.
  std::optional<ProtoField> next();

  // The value of a field, which must have the wire type that fits.
  int64_t integer(const ProtoField& field) const;
  uint32_t fixed32(const ProtoField& field) const;
  std::span<const std::byte> bytes(const ProtoField& field) const;
  std::string text(const ProtoField& field) const;
  ProtoReader message(const ProtoField& field, const std::string& what) const;

  // Appends the values of a repeated field, packed or not. Numbers are appended as they are, little-endian.
  void append_integers(const ProtoField& field, std::vector<int64_t>& values) const;
  void append_fixed(const ProtoField& field, ProtoWire wire, std::vector<std::byte>& values) const;

  [[noreturn]] void fail(size_t position, const std::string& got, const std::string& wanted) const;

 private:
  uint64_t take_varint();
  std::span<const std::byte> take(uint64_t count);
  void expect(const ProtoField& field, ProtoWire wire) const;

  const std::string* file_;
  std::string what_;
  std::span<const std::byte> data_;
  size_t start_;
  size_t at_ = 0;
};

}  // namespace verissim::network
