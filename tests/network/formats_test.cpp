// Arrays, ZIP archives and safetensors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "network/safetensors.h"
#include "network/tensor.h"
#include "network/zip_reader.h"
#include "network/zip_writer.h"

namespace verissim::network {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

Tensor two_byte_tensor(DType dtype, uint64_t bits) {
  return {dtype, {1}, {static_cast<std::byte>(bits), static_cast<std::byte>(bits >> 8)}};
}

// Every bit pattern of the two small formats comes back, and so does its value; NaNs stay NaNs.
TEST(Tensor, SmallFloatsAreExact) {
  for (const DType dtype : {DType::kFloat16, DType::kBFloat16}) {
    for (uint64_t bits = 0; bits < 65536; ++bits) {
      const Tensor tensor = two_byte_tensor(dtype, bits);
      const std::vector<double> values = decode(tensor);
      const Tensor again = encode(dtype, {1}, values);
      if (std::isnan(values[0])) {
        ASSERT_TRUE(std::isnan(decode(again)[0])) << bits;
      } else {
        ASSERT_EQ(again.bytes, tensor.bytes) << bits;
      }
    }
  }
}

TEST(Tensor, SmallFloatsByHand) {
  EXPECT_EQ(decode(two_byte_tensor(DType::kFloat16, 0x3c01))[0], 1.0 + 0x1p-10);
  EXPECT_EQ(decode(two_byte_tensor(DType::kFloat16, 0x0001))[0], 0x1p-24);
  EXPECT_EQ(decode(two_byte_tensor(DType::kFloat16, 0xfbff))[0], -65504.0);
  EXPECT_EQ(decode(two_byte_tensor(DType::kBFloat16, 0x3f81))[0], 1.0 + 0x1p-7);
  EXPECT_EQ(decode(two_byte_tensor(DType::kBFloat16, 0x0001))[0], 0x1p-133);
  EXPECT_TRUE(std::isinf(decode(two_byte_tensor(DType::kBFloat16, 0x7f80))[0]));
}

TEST(Tensor, RoundsToNearestEven) {
  const auto half = [](double value) {
    return decode(encode(DType::kFloat16, {1}, std::vector<double>{value}))[0];
  };
  EXPECT_EQ(half(1.0 + 0x1p-11), 1.0);
  EXPECT_EQ(half(1.0 + 3 * 0x1p-11), 1.0 + 0x1p-9);
  EXPECT_EQ(half(1.0 + 0x1p-11 + 0x1p-40), 1.0 + 0x1p-10);
  EXPECT_EQ(half(2.0 - 0x1p-12), 2.0);
  EXPECT_EQ(half(0x1p-25), 0.0);
  EXPECT_EQ(half(-0x1.8p-25), -0x1p-24);
  EXPECT_EQ(half(65519.9), 65504.0);
  EXPECT_EQ(half(65520.0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(half(-1e300), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::signbit(half(-0.0)));
}

TEST(Tensor, ElementCounts) {
  EXPECT_EQ(element_count(std::vector<int64_t>{}), 1);
  EXPECT_EQ(element_count(std::vector<int64_t>{2, 3}), 6);
  EXPECT_EQ(element_count(std::vector<int64_t>{2, 0}), 0);
  EXPECT_EQ(element_count(std::vector<int64_t>{2, -1}), -1);
  EXPECT_EQ(element_count(std::vector<int64_t>{INT64_C(1) << 40, 2}), -1);
  EXPECT_EQ(element_count(std::vector<int64_t>{INT64_C(1) << 62, 4}), -1);
}

TEST(Zip, WhatIsWrittenIsReadBack) {
  ZipWriter writer("a.zip");
  const Bytes text = bytes_of("some text");
  const Bytes large(100'000, std::byte{7});
  writer.add("archive/text", text);
  writer.add("archive/large", large);
  writer.add("archive/empty", {});
  const Bytes archive = writer.finish();
  const ZipReader reader("a.zip", archive);
  EXPECT_EQ(reader.names(), (std::vector<std::string>{"archive/empty", "archive/large", "archive/text"}));
  EXPECT_EQ(reader.read("archive/text", 100), text);
  EXPECT_EQ(reader.read("archive/large", 100'000), large);
  EXPECT_TRUE(reader.read("archive/empty", 0).empty());
  EXPECT_EQ(message_of([&] { reader.read("archive/large", 99'999); }),
            "a.zip: 'archive/large': got 100000 bytes, wanted at most 99999");
  EXPECT_EQ(message_of([&] { reader.read("other", 1); }),
            "a.zip: 'other': got no such entry, wanted a whole PyTorch file");
}

TEST(Zip, DataAreAligned) {
  ZipWriter writer("a.zip");
  const Bytes marker(64, std::byte{0xa5});
  for (int k = 0; k < 20; ++k) writer.add(std::string(static_cast<size_t>(k * 7 + 1), 'n'), marker);
  const Bytes archive = writer.finish();
  size_t found = 0;
  for (size_t place = 0; place + 64 <= archive.size(); place += 64) {
    found += std::memcmp(archive.data() + place, marker.data(), 64) == 0 ? 1 : 0;
  }
  EXPECT_EQ(found, 20U);
}

TEST(Zip, ChecksumsAreVerified) {
  ZipWriter writer("a.zip");
  writer.add("x", bytes_of("some text"));
  Bytes archive = writer.finish();
  archive[64] ^= std::byte{1};
  const ZipReader reader("a.zip", archive);
  EXPECT_EQ(message_of([&] { reader.read("x", 100); }),
            "a.zip: 'x': got a damaged ZIP entry (wrong size or checksum), wanted a whole one");
}

// As PyTorch finds them.
TEST(Zip, NamesInCapitals) {
  ZipWriter writer("a.zip");
  writer.add("a/ByteOrder", bytes_of("big"));
  const Bytes archive = writer.finish();
  const ZipReader reader("a.zip", archive);
  EXPECT_TRUE(reader.contains("a/byteorder"));
  EXPECT_EQ(reader.read("A/BYTEORDER", 3), bytes_of("big"));
  ZipWriter twice("a.zip");
  twice.add("a/x", {});
  twice.add("a/X", {});
  const Bytes both = twice.finish();
  EXPECT_EQ(message_of([&] { ZipReader("a.zip", both); }),
            "a.zip: 'a/X': got two ZIP entries of this name, wanted one");
}

// PyTorch takes the last, other programs the one whose comment it is in.
TEST(Zip, TwoEndsAreRefused) {
  ZipWriter writer("a.zip");
  writer.add("x", bytes_of("some text"));
  Bytes archive = writer.finish();
  const Bytes end(archive.end() - 22, archive.end());
  archive.insert(archive.end(), end.begin(), end.end());
  EXPECT_EQ(message_of([&] { ZipReader("a.zip", archive); }),
            "a.zip: got a ZIP archive with two ends, wanted one");
  archive[archive.size() - 22 - 2] = std::byte{22};  // the first one's comment is the second
  EXPECT_EQ(message_of([&] { ZipReader("a.zip", archive); }),
            "a.zip: got a ZIP archive with two ends, wanted one");
}

TEST(Zip, RepeatedNamesAreRefused) {
  ZipWriter writer("a.zip");
  writer.add("x", {});
  writer.add("x", {});
  const Bytes archive = writer.finish();
  EXPECT_EQ(message_of([&] { ZipReader("a.zip", archive); }),
            "a.zip: 'x': got two ZIP entries of this name, wanted one");
}

Bytes safetensors_file(const std::string& header, size_t numbers) {
  Bytes bytes;
  for (size_t k = 0; k < 8; ++k) bytes.push_back(static_cast<std::byte>(header.size() >> (8 * k)));
  for (const char c : header) bytes.push_back(static_cast<std::byte>(c));
  bytes.resize(bytes.size() + numbers);
  return bytes;
}

void expect_refused(const std::string& header, size_t numbers, const std::string& part) {
  const std::string message =
      message_of([&] { read_safetensors("a.safetensors", safetensors_file(header, numbers)); });
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nwanted: " << part;
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  const std::vector<NamedTensor> tensors{
      {"b", encode(DType::kFloat16, {3}, std::vector<double>{1, 2, 3})},
      {"a \"quoted\"", encode(DType::kFloat64, {1, 2}, std::vector<double>{4, 5})},
      {"flag", {DType::kBool, {1}, {std::byte{1}}}}};
  const Bytes bytes = safetensors_bytes(tensors);
  EXPECT_TRUE(is_safetensors(bytes));
  const std::vector<NamedTensor> again = read_safetensors("a.safetensors", bytes);
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[0].key, "a \"quoted\"") << "larger elements come first";
  EXPECT_EQ(decode(again[0].tensor), (std::vector<double>{4, 5}));
  EXPECT_EQ(decode(again[1].tensor), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(again[2].tensor.bytes, tensors[2].tensor.bytes);
}

TEST(Safetensors, MalformedFiles) {
  expect_refused("[]", 0, "malformed JSON, wanted an object");
  expect_refused("{\"a\":", 0, "malformed JSON");
  expect_refused("{\"a\":3}", 0, "'a': got no description");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1]}})", 4, "'a': got a malformed description");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4, "a malformed description");
  expect_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "a malformed description");
  expect_refused(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1, "dtype 'F8_E4M3'");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
                 "bytes 0 to 4 of 4 for shape [2]");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "bytes 4 to 0");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 4, "bytes 4 to 8 of 4");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "got an array from byte 4");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5,
                 "1 bytes behind the last array");
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  expect_refused("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
                 "'b': got an array from byte 4, wanted one from byte 8");
  expect_refused("{" + a + "," + a + "}", 8, "'a': got this key twice");
  expect_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0,
                 "'a': got bytes");
}

TEST(Safetensors, HeaderBeyondTheFile) {
  Bytes bytes = safetensors_file("{}", 0);
  bytes[0] = std::byte{200};
  EXPECT_EQ(message_of([&] { read_safetensors("a.safetensors", bytes); }),
            "a.safetensors: safetensors header: got 200 bytes in a file of 10, wanted a whole header");
}

}  // namespace
}  // namespace verissim::network
