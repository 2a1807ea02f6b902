// The original tool's names for model files: "model_i1x4x4_l6-6-6_o5.pt".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/shape.h"

namespace verissim::network {

struct ModelName {
  Shape input;
  std::vector<int64_t> hidden;
  int64_t outputs = 0;
  bool operator==(const ModelName&) const = default;
};

std::string model_file_name(const Shape& input, const std::vector<int64_t>& hidden, int64_t outputs);

// What the last part of the path says (whatever its extension), or nothing if it does not follow the
// convention.
std::optional<ModelName> parse_model_name(const std::string& path);

}  // namespace verissim::network
