#include "network/pytorch_writer.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/error.h"
#include "network/pickle_opcodes.h"
#include "network/zip_writer.h"

namespace verissim::network {
namespace {

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string_view storage_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return "DoubleStorage";
    case DType::kFloat32:
      return "FloatStorage";
    case DType::kFloat16:
      return "HalfStorage";
    case DType::kBFloat16:
      return "BFloat16Storage";
    case DType::kInt64:
      return "LongStorage";
    case DType::kInt32:
      return "IntStorage";
    case DType::kInt16:
      return "ShortStorage";
    case DType::kInt8:
      return "CharStorage";
    case DType::kUInt8:
      return "ByteStorage";
    case DType::kBool:
      return "BoolStorage";
  }
  fail_check("a known dtype", __FILE__, __LINE__);
}

// Writes a pickle of protocol 2.
class Pickler {
 public:
  Pickler() {
    op(opcode::kProto);
    text_ += '\x02';
  }

  void op(opcode::Opcode code) { text_ += static_cast<char>(code); }
  void global(std::string_view module, std::string_view name) {
    op(opcode::kGlobal);
    text_.append(module).append("\n").append(name).append("\n");
  }
  void text(std::string_view value) {
    op(opcode::kBinUnicode);
    put(value.size(), 4);
    text_ += value;
  }
  void integer(int64_t value) {
    op(opcode::kLong1);
    text_ += '\x08';
    put(static_cast<uint64_t>(value), 8);
  }
  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    op(opcode::kEmptyTuple);
    op(opcode::kReduce);
  }
  std::string_view bytes() const { return text_; }

 private:
  void put(uint64_t value, int bytes) {
    for (int k = 0; k < bytes; ++k) text_ += static_cast<char>(value >> (8 * k));
  }
  std::string text_;
};

void pickle_extents(Pickler& pickler, const std::vector<int64_t>& extents) {
  pickler.op(opcode::kMark);
  for (const int64_t extent : extents) pickler.integer(extent);
  pickler.op(opcode::kTuple);
}

std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * std::max<int64_t>(shape[axis], 1);
  }
  return strides;
}

// _rebuild_tensor_v2(('storage', type, key, 'cpu', count), 0, shape, strides, False, OrderedDict())
void pickle_tensor(Pickler& pickler, const Tensor& tensor, const std::string& storage) {
  pickler.global("torch._utils", "_rebuild_tensor_v2");
  pickler.op(opcode::kMark);
  pickler.op(opcode::kMark);
  pickler.text("storage");
  pickler.global("torch", storage_type(tensor.dtype));
  pickler.text(storage);
  pickler.text("cpu");
  pickler.integer(element_count(tensor.shape));
  pickler.op(opcode::kTuple);
  pickler.op(opcode::kBinPersId);
  pickler.integer(0);
  pickle_extents(pickler, tensor.shape);
  pickle_extents(pickler, row_major_strides(tensor.shape));
  pickler.op(opcode::kNewFalse);
  pickler.empty_ordered_dict();
  pickler.op(opcode::kTuple);
  pickler.op(opcode::kReduce);
}

std::string pickle_state_dict(const std::vector<NamedTensor>& tensors) {
  Pickler pickler;
  pickler.empty_ordered_dict();
  pickler.op(opcode::kMark);
  for (size_t k = 0; k < tensors.size(); ++k) {
    pickler.text(tensors[k].key);
    pickle_tensor(pickler, tensors[k].tensor, std::to_string(k));
  }
  pickler.op(opcode::kSetItems);
  pickler.op(opcode::kStop);
  return std::string(pickler.bytes());
}

}  // namespace

std::vector<std::byte> pytorch_bytes(const std::string& file, const std::vector<NamedTensor>& tensors) {
  ZipWriter zip(file);
  zip.add("archive/data.pkl", as_bytes(pickle_state_dict(tensors)));
  zip.add("archive/byteorder", as_bytes("little"));
  for (size_t k = 0; k < tensors.size(); ++k)
    zip.add("archive/data/" + std::to_string(k), tensors[k].tensor.bytes);
  zip.add("archive/version", as_bytes("3\n"));
  return zip.finish();
}

}  // namespace verissim::network
