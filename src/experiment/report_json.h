// Parts of report.json, for report.cpp.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "experiment/report.h"

namespace verissim::experiment {

using json = nlohmann::ordered_json;

// JSON has no infinity: null.
inline json optional_number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}
inline json finite(double value) { return optional_number(value); }

json weight_json(const std::vector<LayerChange>& changes);
json verdict_json(const search::Result& result);
// The certificate's name, or null.
json certificate_json(const Proof& proof);
const Proof& weakest_proof(const FinalFile& file);
// As it was before there could be several.
json first_reference_json(const Report& report);
json references_json(const Report& report);
json candidates_json(const std::vector<repair::Candidate>& candidates);
json cost_json(const Report& report);
// "every image whose SSIM to 3.png is at least 0.98"
std::string claim(const Report& report);

}  // namespace verissim::experiment
