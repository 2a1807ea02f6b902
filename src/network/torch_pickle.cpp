#include "network/torch_pickle.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

// Calls whose results occur beside the weights in checkpoints. They are kept as their names.
constexpr std::array<std::string_view, 17> kOpaque{"__builtin__.set",
                                                   "builtins.set",
                                                   "__builtin__.frozenset",
                                                   "builtins.frozenset",
                                                   "__builtin__.bytearray",
                                                   "builtins.bytearray",
                                                   "_codecs.encode",
                                                   "collections.Counter",
                                                   "collections.defaultdict",
                                                   "numpy._core.multiarray._reconstruct",
                                                   "numpy._core.multiarray.scalar",
                                                   "numpy.core.multiarray._reconstruct",
                                                   "numpy.core.multiarray.scalar",
                                                   "numpy.dtype",
                                                   "pathlib.PosixPath",
                                                   "torch.Size",
                                                   "torch.device"};

std::optional<DType> dtype_of_storage(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DType>, 10> kStorages{{
      {"torch.DoubleStorage", DType::kFloat64},
      {"torch.FloatStorage", DType::kFloat32},
      {"torch.HalfStorage", DType::kFloat16},
      {"torch.BFloat16Storage", DType::kBFloat16},
      {"torch.LongStorage", DType::kInt64},
      {"torch.IntStorage", DType::kInt32},
      {"torch.ShortStorage", DType::kInt16},
      {"torch.CharStorage", DType::kInt8},
      {"torch.ByteStorage", DType::kUInt8},
      {"torch.BoolStorage", DType::kBool},
  }};
  const auto* found =
      std::find_if(kStorages.begin(), kStorages.end(), [&](const auto& s) { return s.first == name; });
  if (found == kStorages.end()) return std::nullopt;
  return found->second;
}

// Sizes or strides; nothing if they are no tuple of integers that are not negative.
std::optional<std::vector<int64_t>> extents(PickleRef value) {
  const auto* tuple = value->as<PickleTuple>();
  if (tuple == nullptr || tuple->items.size() > 64) return std::nullopt;
  std::vector<int64_t> result;
  for (const PickleRef item : tuple->items) {
    const auto* extent = item->as<int64_t>();
    if (extent == nullptr || *extent < 0) return std::nullopt;
    result.push_back(*extent);
  }
  return result;
}

// Whether every element of the view lies in its storage.
bool fits(const PickleTensor& view) {
  const int64_t count = element_count(view.shape);
  if (count < 0 || view.offset < 0 || view.offset > view.storage.count) return false;
  if (count == 0) return true;
  int64_t last = view.offset;
  for (size_t k = 0; k < view.shape.size(); ++k) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(view.shape[k] - 1, view.stride[k], &reach)) return false;
    if (__builtin_add_overflow(last, reach, &last)) return false;
  }
  return last < view.storage.count;
}

}  // namespace

PickleValue TorchHost::call(const std::string& place, const std::string& function,
                            const std::vector<PickleRef>& arguments) {
  if (function == "collections.OrderedDict") return ordered_dict(place, arguments);
  if (function == "torch._utils._rebuild_tensor_v2" || function == "torch._utils._rebuild_tensor") {
    return tensor(place, arguments);
  }
  if (function == "torch._utils._rebuild_parameter" ||
      function == "torch._utils._rebuild_parameter_with_state") {
    return parameter(place, arguments);
  }
  // TorchScript's lists are tagged with their type.
  if ((function.starts_with("torch.jit._pickle.build_") ||
       function == "torch.jit._pickle.restore_type_tag") &&
      !arguments.empty()) {
    return *arguments[0];
  }
  if (std::find(kOpaque.begin(), kOpaque.end(), function) != kOpaque.end()) {
    return {PickleObject{function, nullptr}};
  }
  throw InputError(file_, place, "a call of " + function,
                   "tensors and plain data only (save model.state_dict() with torch.save)");
}

// (storage, offset, size, stride, requires_grad, hooks, metadata): the metadata may say that the numbers are
// the negatives of those that are stored.
PickleValue TorchHost::tensor(const std::string& place, const std::vector<PickleRef>& arguments) const {
  const auto refuse = [&](const std::string& got, const std::string& wanted) {
    return InputError(file_, place, got, wanted);
  };
  if (arguments.size() < 4) throw refuse("a tensor without storage, offset, size or stride", "all of them");
  const auto* metadata = arguments.size() < 7 ? nullptr : arguments[6]->as<PickleDict>();
  if (arguments.size() > 7 || (arguments.size() == 7 && metadata == nullptr && !arguments[6]->is_none()) ||
      (metadata != nullptr && !metadata->items.empty())) {
    throw refuse("a tensor whose metadata change it", "one as it is stored: save tensor.clone()");
  }
  const auto* storage = arguments[0]->as<PickleStorage>();
  const auto* offset = arguments[1]->as<int64_t>();
  const auto shape = extents(arguments[2]);
  const auto stride = extents(arguments[3]);
  if (storage == nullptr) throw refuse("a tensor in " + describe(*arguments[0]), "one in a storage");
  if (offset == nullptr || !shape || !stride || shape->size() != stride->size()) {
    throw refuse("a malformed tensor", "an offset, sizes and as many strides, none of them negative");
  }
  PickleTensor view{*storage, *offset, *shape, *stride};
  if (!fits(view)) {
    throw refuse("a tensor of shape " + to_string(view.shape) + ", strides " + to_string(view.stride) +
                     ", offset " + std::to_string(view.offset),
                 "one that lies within the " + std::to_string(storage->count) + " elements of storage " +
                     quote(storage->key));
  }
  return {std::move(view)};
}

PickleValue TorchHost::parameter(const std::string& place, const std::vector<PickleRef>& arguments) const {
  if (arguments.empty() || arguments[0]->as<PickleTensor>() == nullptr) {
    throw InputError(file_, place, "a parameter without a tensor", "one with a tensor");
  }
  return *arguments[0];
}

// Empty, or with a list of its items as Python 2 wrote it.
PickleValue TorchHost::ordered_dict(const std::string& place, const std::vector<PickleRef>& arguments) const {
  PickleDict dict;
  if (arguments.empty()) return {dict};
  const auto* list = arguments[0]->as<PickleList>();
  for (const PickleRef item : list == nullptr ? std::vector<PickleRef>{nullptr} : list->items) {
    const auto* pair = item == nullptr ? nullptr : item->as<PickleList>();
    if (pair == nullptr || pair->items.size() != 2) {
      throw InputError(file_, place, "a malformed OrderedDict", "a list of pairs");
    }
    dict.items.emplace_back(pair->items[0], pair->items[1]);
  }
  return {dict};
}

// ('storage', type, key, location, number of elements[, view]), and in old files ('module', class,
// source...).
PickleValue TorchHost::persistent(const std::string& place, PickleRef id) {
  const auto refuse = [&](const std::string& got) {
    return InputError(file_, place, got, "('storage', type, key, location, count)");
  };
  const auto* tuple = id->as<PickleTuple>();
  const auto* kind = tuple == nullptr || tuple->items.empty() ? nullptr : tuple->items[0]->as<std::string>();
  if (kind == nullptr) throw refuse("a reference to outside that is " + describe(*id));
  if (*kind == "module" && tuple->items.size() > 1 && tuple->items[1]->as<PickleGlobal>() != nullptr) {
    return *tuple->items[1];
  }
  if (*kind != "storage" || tuple->items.size() < 5)
    throw refuse("a reference to outside to " + describe(*tuple->items[0]));
  const auto* type = tuple->items[1]->as<PickleGlobal>();
  const auto* key = tuple->items[2]->as<std::string>();
  const auto* count = tuple->items[4]->as<int64_t>();
  if (type == nullptr || key == nullptr || count == nullptr || element_count({count, 1}) < 0) {
    throw refuse("a malformed storage");
  }
  if (tuple->items.size() > 5 && !tuple->items[5]->is_none())
    throw refuse("a storage that is a view of another");
  const auto dtype = dtype_of_storage(type->name);
  if (!dtype) {
    throw InputError(file_, place, "a tensor of type " + type->name, "floating point, integer or bool");
  }
  if (key->find('/') != std::string::npos) throw refuse("the storage " + quote(*key));
  // PyTorch takes the first type for every use of the storage.
  const auto [known, is_new] = storages_.emplace(*key, std::pair(*dtype, *count));
  if (known->second != std::pair(*dtype, *count)) {
    throw InputError(file_, place, "storage " + quote(*key) + " with another type or count than before",
                     "one of each");
  }
  return {PickleStorage{*dtype, folder_ + *key, *count}};
}

}  // namespace verissim::network
