// The two containers that torch.save has written: a ZIP archive since 1.6, a row of pickles and raw storages
// before (and still with _use_new_zipfile_serialization=False).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "network/pickle_value.h"

namespace verissim::network {

// Where the numbers of the storages lie.
class StorageSource {
 public:
  virtual ~StorageSource() = default;
  // All elements of the storage, in the byte order of the file. Throws InputError if they are not all there.
  virtual std::span<const std::byte> bytes(const PickleStorage& storage) = 0;
  // Its first byte in the file; nothing if the file has it compressed.
  virtual std::optional<size_t> place(const PickleStorage& storage) = 0;
};

class PytorchFile {
 public:
  // Whether the data begin like one.
  static bool recognizes(std::span<const std::byte> data);

  // Reads the pickle, not yet the storages. `data` must outlive this. tracing: whether tensors tell where
  // they lie. Throws InputError.
  PytorchFile(std::string file, std::span<const std::byte> data, bool tracing = false);
  PytorchFile(const PytorchFile&) = delete;
  PytorchFile& operator=(const PytorchFile&) = delete;

  const std::string& file() const { return file_; }
  const PickleValue& root() const { return *root_; }
  bool is_legacy() const { return legacy_; }

  // Of a TorchScript archive (torch.jit.save): the constants of its code, and a part of the code
  // ("code/a.py").
  bool is_script() const { return constants_ != nullptr; }
  const PickleValue* constants() const { return constants_; }
  std::string code(const std::string& part) const;

  // The view's elements. All tensors together may not have many more elements than the file has bytes: views
  // of one storage could be repeated at will. Throws InputError.
  Tensor read(const PickleTensor& view, const std::string& key);

 private:
  void open_archive();
  void open_legacy();
  Trace trace(const PickleTensor& view, const std::string& key);

  std::string file_;
  std::span<const std::byte> data_;
  PickleArena arena_;
  PickleRef root_ = nullptr;
  PickleRef constants_ = nullptr;
  std::function<std::string(const std::string&)> code_;
  std::unique_ptr<StorageSource> storages_;
  bool big_endian_ = false;
  bool legacy_ = false;
  bool tracing_ = false;
  int64_t elements_left_ = 0;
};

}  // namespace verissim::network
