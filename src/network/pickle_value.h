// What a pickle file holds, read as data: nothing in it is ever run.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "network/tensor.h"

namespace verissim::network {

struct PickleValue;
using PickleRef = const PickleValue*;

struct PickleNone {};
struct PickleBytes {  // also an integer beyond 64 bits, little-endian
  std::string bytes;
};
struct PickleList {  // also a set
  std::vector<PickleRef> items;
};
struct PickleTuple {
  std::vector<PickleRef> items;
};
struct PickleDict {  // in the order of the file; a key that is set twice occurs twice, the last one counts
  std::vector<std::pair<PickleRef, PickleRef>> items;
};
struct PickleGlobal {  // a class or function: only its name, "collections.OrderedDict"
  std::string name;
};
struct PickleStorage {  // raw numbers that lie elsewhere in the file
  DType dtype = DType::kFloat32;
  std::string key;
  int64_t count = 0;  // elements
};
struct PickleTensor {  // a view of a storage that fits into it
  PickleStorage storage;
  int64_t offset = 0;  // elements, as the strides
  std::vector<int64_t> shape;
  std::vector<int64_t> stride;
};
struct PickleObject {  // an instance of any class, never made: the class's name and the attributes
  std::string type;
  PickleRef state = nullptr;  // may be null
};

struct PickleValue {
  std::variant<PickleNone, bool, int64_t, double, std::string, PickleBytes, PickleList, PickleTuple,
               PickleDict, PickleGlobal, PickleStorage, PickleTensor, PickleObject>
      data;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  bool is_none() const { return std::holds_alternative<PickleNone>(data); }
};

// Owns the values of a pickle. They refer to each other freely, also in circles.
using PickleArena = std::deque<PickleValue>;

// The value of a text key, or null.
PickleRef find(const PickleDict& dict, std::string_view key);

// For messages: "an integer", "a dict", "an object of class __main__.Net".
std::string describe(const PickleValue& value);

}  // namespace verissim::network
