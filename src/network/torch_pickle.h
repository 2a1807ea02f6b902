// What PyTorch's pickles mean: storages, tensors, parameters.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "network/unpickler.h"

namespace verissim::network {

// Knows the few functions that PyTorch's files call, by name, and puts the value that they would give in
// place of the call; every other call is refused. A tensor is checked against its storage here: offset, shape
// and strides must stay within it. Source: torch/_utils.py and torch/serialization.py.
class TorchHost final : public PickleHost {
 public:
  // folder: of the storages in the archive, where it is not the usual one.
  explicit TorchHost(std::string file, std::string folder = "")
      : file_(std::move(file)), folder_(std::move(folder)) {}

  PickleValue call(const std::string& place, const std::string& function,
                   const std::vector<PickleRef>& arguments) override;
  PickleValue persistent(const std::string& place, PickleRef id) override;

 private:
  PickleValue tensor(const std::string& place, const std::vector<PickleRef>& arguments) const;
  PickleValue parameter(const std::string& place, const std::vector<PickleRef>& arguments) const;
  PickleValue ordered_dict(const std::string& place, const std::vector<PickleRef>& arguments) const;

  std::string file_;
  std::string folder_;
  std::map<std::string, std::pair<DType, int64_t>> storages_;
};

}  // namespace verissim::network
