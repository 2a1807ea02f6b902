#include "network/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMostHeaderBytes = 100'000'000;  // as in the format's own library

constexpr std::array<std::pair<const char*, DType>, 10> kNames{{{"F64", DType::kFloat64},
                                                                {"F32", DType::kFloat32},
                                                                {"F16", DType::kFloat16},
                                                                {"BF16", DType::kBFloat16},
                                                                {"I64", DType::kInt64},
                                                                {"I32", DType::kInt32},
                                                                {"I16", DType::kInt16},
                                                                {"I8", DType::kInt8},
                                                                {"U8", DType::kUInt8},
                                                                {"BOOL", DType::kBool}}};

const char* name_of(DType dtype) {
  for (const auto& [name, known] : kNames) {
    if (known == dtype) return name;
  }
  fail_check("a known dtype", __FILE__, __LINE__);
}

std::optional<DType> dtype_of(const std::string& text) {
  for (const auto& [name, dtype] : kNames) {
    if (text == name) return dtype;
  }
  return std::nullopt;
}

uint64_t header_length(std::span<const std::byte> data) {
  uint64_t length = 0;
  for (size_t k = 0; k < 8; ++k) length |= static_cast<uint64_t>(data[k]) << (8 * k);
  return length;
}

// Where an array lies behind the header.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string key;
};

class Reader {
 public:
  Reader(const std::string& file, std::span<const std::byte> data, bool tracing)
      : file_(file), tracing_(tracing) {
    const uint64_t length = data.size() < 8 ? 0 : header_length(data);
    if (data.size() < 8 || length > data.size() - 8 || length > kMostHeaderBytes) {
      throw InputError(file_, "safetensors header",
                       std::to_string(length) + " bytes in a file of " + std::to_string(data.size()),
                       "a whole header");
    }
    header_ = parse(data.subspan(8, length));
    begin_ = 8 + length;
    numbers_ = data.subspan(begin_);
  }

  std::vector<NamedTensor> read() {
    std::vector<NamedTensor> tensors;
    for (const auto& [key, entry] : header_.items()) {
      if (key != "__metadata__") tensors.push_back({key, read_array(key, entry)});
    }
    check_extents();
    return tensors;
  }

 private:
  // A key that occurs twice would silently hide the first.
  Json parse(std::span<const std::byte> text) const {
    std::set<std::string> keys;
    std::string twice;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
      if (event != Json::parse_event_t::key || depth != 1) return true;
      if (!keys.insert(value.get<std::string>()).second) twice = value.get<std::string>();
      return true;
    };
    const auto* begin = reinterpret_cast<const char*>(text.data());
    Json header = Json::parse(begin, begin + text.size(), watch, false);
    if (header.is_discarded() || !header.is_object()) {
      throw InputError(file_, "safetensors header", "malformed JSON", "an object");
    }
    if (!twice.empty()) throw InputError(file_, quote(twice), "this key twice", "it once");
    return header;
  }

  Tensor read_array(const std::string& key, const Json& entry) {
    const auto refuse = [&](const std::string& got, const std::string& wanted) {
      return InputError(file_, quote(key), got, wanted);
    };
    if (!entry.is_object()) throw refuse("no description", "dtype, shape and data_offsets");
    const auto shape = integers(entry, "shape");
    const auto offsets = integers(entry, "data_offsets");
    const auto dtype_name = entry.find("dtype");
    if (!shape || !offsets || offsets->size() != 2 || dtype_name == entry.end() || !dtype_name->is_string()) {
      throw refuse("a malformed description", "dtype, shape and data_offsets");
    }
    const auto dtype = dtype_of(dtype_name->get<std::string>());
    if (!dtype)
      throw refuse("dtype " + quote(dtype_name->get<std::string>()), "floating point, integer or bool");
    const int64_t count = element_count(*shape);
    const auto begin = static_cast<uint64_t>((*offsets)[0]);
    const auto end = static_cast<uint64_t>((*offsets)[1]);
    if (count < 0 || begin > end || end > numbers_.size() ||
        end - begin != static_cast<uint64_t>(count) * size_of(*dtype)) {
      throw refuse("bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                       std::to_string(numbers_.size()) + " for shape " + to_string(*shape),
                   "as many as the shape takes, within the file");
    }
    extents_.push_back({begin, end, key});
    const auto bytes = numbers_.subspan(begin, end - begin);
    Tensor tensor{*dtype, *shape, {bytes.begin(), bytes.end()}};
    if (tracing_) {
      tensor.trace.source = std::make_shared<const ArraySource>(
          ArraySource{.key = key, .dtype = *dtype, .begin = begin_ + static_cast<size_t>(begin)});
    }
    return tensor;
  }

  // A list of integers that are not negative.
  static std::optional<std::vector<int64_t>> integers(const Json& entry, const char* name) {
    const auto found = entry.find(name);
    if (found == entry.end() || !found->is_array() || found->size() > 64) return std::nullopt;
    std::vector<int64_t> result;
    for (const Json& item : *found) {
      if (!item.is_number_unsigned() || item.get<uint64_t>() > INT64_MAX) return std::nullopt;
      result.push_back(item.get<int64_t>());
    }
    return result;
  }

  void check_extents() {
    std::sort(extents_.begin(), extents_.end(), [](const Extent& a, const Extent& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t end = 0;
    for (const Extent& extent : extents_) {
      if (extent.begin != end) {
        throw InputError(file_, quote(extent.key), "an array from byte " + std::to_string(extent.begin),
                         "one from byte " + std::to_string(end) + ", without overlap or hole");
      }
      end = extent.end;
    }
    if (end != numbers_.size()) {
      throw InputError(file_, "", std::to_string(numbers_.size() - end) + " bytes behind the last array",
                       "none");
    }
  }

  const std::string& file_;
  bool tracing_;
  size_t begin_ = 0;  // of the numbers in the file
  Json header_;
  std::span<const std::byte> numbers_;
  std::vector<Extent> extents_;
};

// Larger elements first, so that every array is aligned.
std::vector<size_t> storage_order(const std::vector<NamedTensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return size_of(tensors[a].tensor.dtype) > size_of(tensors[b].tensor.dtype);
  });
  return order;
}

}  // namespace

bool is_safetensors(std::span<const std::byte> data) {
  return data.size() >= 10 && data[8] == std::byte{'{'} && header_length(data) <= kMostHeaderBytes;
}

std::vector<NamedTensor> read_safetensors(const std::string& file, std::span<const std::byte> data,
                                          bool tracing) {
  return Reader(file, data, tracing).read();
}

std::vector<std::byte> safetensors_bytes(const std::vector<NamedTensor>& tensors) {
  Json header = Json::object();
  std::vector<std::byte> numbers;
  for (const size_t k : storage_order(tensors)) {
    const auto& [key, tensor] = tensors[k];
    const size_t begin = numbers.size();
    numbers.insert(numbers.end(), tensor.bytes.begin(), tensor.bytes.end());
    header[key] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, numbers.size()}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::vector<std::byte> bytes;
  for (size_t k = 0; k < 8; ++k) bytes.push_back(static_cast<std::byte>(uint64_t{text.size()} >> (8 * k)));
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), begin, begin + text.size());
  bytes.insert(bytes.end(), numbers.begin(), numbers.end());
  return bytes;
}

}  // namespace verissim::network
