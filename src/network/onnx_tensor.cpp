#include "network/onnx_tensor.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

// TensorProto.DataType.
std::optional<DType> dtype_of(int64_t data_type) {
  switch (data_type) {
    case 1:
      return DType::kFloat32;
    case 2:
      return DType::kUInt8;
    case 3:
      return DType::kInt8;
    case 5:
      return DType::kInt16;
    case 6:
      return DType::kInt32;
    case 7:
      return DType::kInt64;
    case 9:
      return DType::kBool;
    case 10:
      return DType::kFloat16;
    case 11:
      return DType::kFloat64;
    case 16:
      return DType::kBFloat16;
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> parse_size(const std::string& text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

// Whether the path leads to a file within its folder, also when links are followed.
bool stays_within(const std::filesystem::path& folder, const std::filesystem::path& location) {
  if (location.empty() || location.is_absolute()) return false;
  for (const auto& part : location) {
    if (part == "..") return false;
  }
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(folder.empty() ? "." : folder, error);
  if (error) return false;
  const auto target = std::filesystem::weakly_canonical(root / location, error);
  if (error) return false;
  const auto relative = target.lexically_relative(root);
  return !relative.empty() && *relative.begin() != ".." && relative != ".";
}

}  // namespace

struct OnnxTensorReader::External {
  std::string location;
  std::string offset = "0";
  std::string length;
};

// As in the file: the values are in one of several fields, by their type.
struct OnnxTensorReader::Fields {
  bool tracing = false;
  std::string name;
  int64_t data_type = 0;
  std::vector<int64_t> shape;
  std::optional<std::span<const std::byte>> raw;
  std::vector<std::byte> floats;    // 4 bytes each
  std::vector<std::byte> doubles;   // 8 bytes each
  std::vector<int64_t> small_ints;  // also the bits of float16 and bfloat16
  std::vector<int64_t> large_ints;
  bool segmented = false;
  bool is_external = false;
  External external;
  size_t raw_begin = 0;              // in the file
  std::vector<size_t> number_begin;  // of each of floats or doubles

  // Where the numbers of a repeated field lie, packed or not.
  void locate(const ProtoField& field, size_t size) {
    const size_t bytes = field.wire == ProtoWire::kBytes ? field.bytes.size() : size;
    for (size_t at = field.end - bytes; at < field.end; at += size) number_begin.push_back(at);
  }

  Trace trace(DType dtype) const {
    ArraySource source{.key = name, .dtype = dtype};
    if (raw) {
      source.begin = raw_begin;
    } else if (is_external) {
      source.obstacle = "in the file '" + external.location + "' beside it";
    } else if (dtype == DType::kFloat32 || dtype == DType::kFloat64) {
      source.bytes = number_begin;
    } else {
      source.obstacle = "as integers of various lengths";
    }
    return {std::make_shared<const ArraySource>(std::move(source)), {}};
  }

  void read_external(ProtoReader entry) {
    std::string key;
    std::string value;
    while (const auto field = entry.next()) {
      if (field->number == 1) key = entry.text(*field);
      if (field->number == 2) value = entry.text(*field);
    }
    if (key == "location") external.location = value;
    if (key == "offset") external.offset = value;
    if (key == "length") external.length = value;
  }

  void read(ProtoReader& message, const ProtoField& field) {
    switch (field.number) {
      case 1:
        return message.append_integers(field, shape);
      case 2:
        data_type = message.integer(field);
        return;
      case 3:
        segmented = true;
        return;
      case 4:
        if (tracing) locate(field, 4);
        return message.append_fixed(field, ProtoWire::kFixed32, floats);
      case 5:
        return message.append_integers(field, small_ints);
      case 7:
        return message.append_integers(field, large_ints);
      case 8:
        name = message.text(field);
        return;
      case 9:
        raw = message.bytes(field);
        raw_begin = field.end - raw->size();
        return;
      case 10:
        if (tracing) locate(field, 8);
        return message.append_fixed(field, ProtoWire::kFixed64, doubles);
      case 13:
        return read_external(message.message(field, "external data"));
      case 14:
        if (field.value > 1) message.fail(field.position, "an unknown data_location", "0 or 1");
        is_external = message.integer(field) == 1;
        return;
      default:
        return;
    }
  }

  // The elements where there is no raw data, each in `size` bytes.
  std::vector<std::byte> typed_bytes(DType dtype) {
    if (dtype == DType::kFloat32) return std::move(floats);
    if (dtype == DType::kFloat64) return std::move(doubles);
    const std::vector<int64_t>& values = dtype == DType::kInt64 ? large_ints : small_ints;
    std::vector<std::byte> bytes;
    bytes.reserve(values.size() * size_of(dtype));
    for (int64_t value : values) {
      if (dtype == DType::kBool) value = value != 0 ? 1 : 0;
      for (size_t k = 0; k < size_of(dtype); ++k) {
        bytes.push_back(static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * k)));
      }
    }
    return bytes;
  }
};

NamedTensor OnnxTensorReader::read(ProtoReader message, const std::string& what) {
  Fields fields;
  fields.tracing = tracing_;
  while (const auto field = message.next()) fields.read(message, *field);
  const std::string place = fields.name.empty() ? what : quote(fields.name);
  const auto dtype = dtype_of(fields.data_type);
  if (!dtype) {
    throw InputError(file_, place, "a tensor of ONNX's type " + std::to_string(fields.data_type),
                     "floating point, integer or bool");
  }
  const int64_t count = element_count(fields.shape);
  if (fields.shape.size() > 64 || count < 0 || fields.segmented) {
    throw InputError(file_, place, fields.segmented ? "a part of a tensor" : "an impossible shape",
                     "a whole tensor");
  }
  const size_t size = static_cast<size_t>(count) * size_of(*dtype);
  std::vector<std::byte> bytes;
  if (fields.is_external) {
    bytes = external_bytes(place, fields.external, size);
  } else if (fields.raw) {
    bytes.assign(fields.raw->begin(), fields.raw->end());
  } else {
    bytes = fields.typed_bytes(*dtype);
  }
  if (bytes.size() != size) {
    throw InputError(
        file_, place, std::to_string(bytes.size()) + " bytes of values",
        std::to_string(size) + " for shape " + to_string(fields.shape) + " of " + to_string(*dtype));
  }
  NamedTensor tensor{fields.name, {*dtype, fields.shape, std::move(bytes)}};
  if (tracing_ && is_floating(*dtype)) tensor.tensor.trace = fields.trace(*dtype);
  return tensor;
}

std::vector<std::byte> OnnxTensorReader::external_bytes(const std::string& place, const External& external,
                                                        size_t size) {
  const std::vector<std::byte>& file = external_file(place, external.location);
  const auto offset = parse_size(external.offset);
  const auto length = external.length.empty() ? std::optional<uint64_t>(size) : parse_size(external.length);
  if (!offset || !length || *offset > file.size() || *length > file.size() - *offset) {
    throw InputError(
        file_, place,
        "offset " + quote(external.offset) + " and length " + quote(external.length) + " in external data",
        "a part of the " + std::to_string(file.size()) + " bytes of " + quote(external.location));
  }
  used_ += *length;
  if (used_ > 2 * bytes_) {
    throw InputError(file_, place, "external data used many times over", "once");
  }
  const auto begin = file.begin() + static_cast<std::ptrdiff_t>(*offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(*length)};
}

const std::vector<std::byte>& OnnxTensorReader::external_file(const std::string& place,
                                                              const std::string& location) {
  const auto known = files_.find(location);
  if (known != files_.end()) return known->second;
  const std::filesystem::path folder = std::filesystem::path(file_).parent_path();
  if (location.find('\0') != std::string::npos || !stays_within(folder, location)) {
    throw InputError(file_, place, "external data in " + quote(location), "a file in the model's folder");
  }
  const std::filesystem::path path = folder / location;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw InputError(file_, place, "no external data in " + quote(location), "a file beside the model");
  }
  auto& bytes = files_[location] = read_file(path.string());
  bytes_ += bytes.size();
  external_files_.push_back(location);
  return bytes;
}

}  // namespace verissim::network
