// ONNX's TensorProto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "network/protobuf.h"
#include "network/tensor.h"

namespace verissim::network {

// Reads the tensors of one file. All together may take a few times the bytes of the file and its external
// data, no more: a few bytes could refer to the same external data at will.
class OnnxTensorReader {
 public:
  // `file` must outlive this; bytes: its size. tracing: whether tensors tell where they lie.
  OnnxTensorReader(const std::string& file, size_t bytes, bool tracing)
      : file_(file), bytes_(bytes), tracing_(tracing) {}

  // Throws InputError naming the tensor. `what`: the place of one without a name.
  NamedTensor read(ProtoReader message, const std::string& what);

  // The size of the file and of all external data so far.
  size_t bytes() const { return bytes_; }
  const std::vector<std::string>& external_files() const { return external_files_; }

 private:
  struct Fields;
  struct External;

  std::vector<std::byte> external_bytes(const std::string& place, const External& external, size_t size);
  const std::vector<std::byte>& external_file(const std::string& place, const std::string& location);

  const std::string& file_;
  size_t bytes_;
  bool tracing_;
  size_t used_ = 0;
  std::map<std::string, std::vector<std::byte>> files_;
  std::vector<std::string> external_files_;
};

}  // namespace verissim::network
