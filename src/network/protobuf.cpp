#include "network/protobuf.h"

#include "base/error.h"

namespace verissim::network {
namespace {

constexpr uint64_t kMostFieldNumber = (UINT64_C(1) << 29) - 1;

uint64_t little_endian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t k = 0; k < bytes.size(); ++k) value |= static_cast<uint64_t>(bytes[k]) << (8 * k);
  return value;
}

const char* name_of(ProtoWire wire) {
  switch (wire) {
    case ProtoWire::kVarint:
      return "an integer";
    case ProtoWire::kFixed64:
      return "eight bytes";
    case ProtoWire::kBytes:
      return "a length and as many bytes";
    case ProtoWire::kFixed32:
      return "four bytes";
  }
  fail_check("a known wire type", __FILE__, __LINE__);
}

}  // namespace

void ProtoReader::fail(size_t position, const std::string& got, const std::string& wanted) const {
  throw InputError(*file_, "byte " + std::to_string(position) + " (" + what_ + ")", got, wanted);
}

std::optional<ProtoField> ProtoReader::next() {
  if (at_ == data_.size()) return std::nullopt;
  ProtoField field;
  field.position = start_ + at_;
  const uint64_t tag = take_varint();
  if (tag >> 3 == 0 || tag >> 3 > kMostFieldNumber) {
    fail(field.position, "field " + std::to_string(tag >> 3), "a field's number");
  }
  field.number = static_cast<uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0:
      field.value = take_varint();
      break;
    case 1:
      field.value = little_endian(take(8));
      break;
    case 2:
      field.bytes = take(take_varint());
      break;
    case 5:
      field.value = little_endian(take(4));
      break;
    default:
      fail(field.position, "wire type " + std::to_string(tag & 7), "0, 1, 2 or 5");
  }
  field.wire = static_cast<ProtoWire>(tag & 7);
  field.end = start_ + at_;
  return field;
}

uint64_t ProtoReader::take_varint() {
  const size_t first = at_;
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const auto byte = static_cast<uint64_t>(take(1)[0]);
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail(start_ + first, "an integer beyond 64 bits", "at most ten bytes");
}

std::span<const std::byte> ProtoReader::take(uint64_t count) {
  if (count > data_.size() - at_) {
    fail(start_ + at_, "the end of the message after " + std::to_string(data_.size() - at_) + " bytes",
         std::to_string(count) + " more bytes");
  }
  const auto bytes = data_.subspan(at_, static_cast<size_t>(count));
  at_ += bytes.size();
  return bytes;
}

void ProtoReader::expect(const ProtoField& field, ProtoWire wire) const {
  if (field.wire == wire) return;
  fail(field.position, "field " + std::to_string(field.number) + " as " + name_of(field.wire), name_of(wire));
}

int64_t ProtoReader::integer(const ProtoField& field) const {
  expect(field, ProtoWire::kVarint);
  return static_cast<int64_t>(field.value);
}

uint32_t ProtoReader::fixed32(const ProtoField& field) const {
  expect(field, ProtoWire::kFixed32);
  return static_cast<uint32_t>(field.value);
}

std::span<const std::byte> ProtoReader::bytes(const ProtoField& field) const {
  expect(field, ProtoWire::kBytes);
  return field.bytes;
}

std::string ProtoReader::text(const ProtoField& field) const {
  const auto raw = bytes(field);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

ProtoReader ProtoReader::message(const ProtoField& field, const std::string& what) const {
  const auto raw = bytes(field);
  return {*file_, what, raw, start_ + static_cast<size_t>(raw.data() - data_.data())};
}

void ProtoReader::append_integers(const ProtoField& field, std::vector<int64_t>& values) const {
  if (field.wire == ProtoWire::kVarint) {
    values.push_back(static_cast<int64_t>(field.value));
    return;
  }
  ProtoReader packed = message(field, what_);
  while (packed.at_ < packed.data_.size()) values.push_back(static_cast<int64_t>(packed.take_varint()));
}

void ProtoReader::append_fixed(const ProtoField& field, ProtoWire wire,
                               std::vector<std::byte>& values) const {
  const size_t size = wire == ProtoWire::kFixed32 ? 4 : 8;
  if (field.wire == wire) {
    for (size_t k = 0; k < size; ++k) values.push_back(static_cast<std::byte>(field.value >> (8 * k)));
    return;
  }
  const auto packed = bytes(field);
  if (packed.size() % size != 0) {
    fail(field.position, std::to_string(packed.size()) + " bytes",
         "a multiple of " + std::to_string(size) + " bytes");
  }
  values.insert(values.end(), packed.begin(), packed.end());
}

}  // namespace verissim::network
