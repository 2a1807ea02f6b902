// The one table of config keys.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "experiment/config.h"

namespace verissim::experiment {

using Member = std::variant<std::string Config::*, int64_t Config::*, double Config::*, bool Config::*,
                            Decimal Config::*, Shape Config::*, std::vector<int64_t> Config::*>;

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_excluded = false;
};

struct Key {
  std::string_view name;  // "minlp.threshold"
  Member member;
  bool required = false;
  Range range = {};               // of a number, or of each number of a list
  std::string_view choices = {};  // of a text: "ssim" or "a|b|c"; empty: any text that is not empty
  bool null_allowed = false;      // null means the default
  std::string_view meaning = {};
};

std::span<const Key> config_keys();
// The key of that name, which must exist.
const Key& config_key(std::string_view name);

// "a number above 0 and at most 1", for messages and the reference page.
std::string allowed_values(const Key& key);

// The member's value as JSON text.
std::string value_as_json(const Key& key, const Config& config);

std::vector<std::string> split_choices(std::string_view choices);

// The number of single letters to insert, delete or change that turns a into b, for suggestions.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace verissim::experiment
