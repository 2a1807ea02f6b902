#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "image/read_image.h"
#include "similarity/ssim.h"

namespace verissim::cli {
namespace {

// All digits that a double has.
std::string digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

struct Pair {
  Shape shape;
  std::vector<double> a;
  std::vector<double> b;
};

Pair read_pair(const std::string& a, const std::string& b) {
  const Shape shape = image::stored_shape(a);
  const Shape other = image::stored_shape(b);
  if (other != shape) throw InputError(b, "", to_string(other), to_string(shape) + " as " + a);
  return {shape, image::load_values(a, shape), image::load_values(b, shape)};
}

// Null where the image is smaller than the convention's window.
nlohmann::ordered_json value_or_null(const Pair& pair, similarity::Convention convention) {
  try {
    return similarity::ssim(pair.a, pair.b, pair.shape, convention);
  } catch (const InputError&) {
    return nullptr;
  }
}

void print_all(const Pair& pair, bool as_json) {
  nlohmann::ordered_json values;
  Facts lines;
  for (const auto& row : similarity::conventions()) {
    const auto value = value_or_null(pair, row.convention);
    values[row.name] = value;
    std::string shown = value.is_null() ? "(too small)" : digits(value.get<double>());
    shown.resize(std::max<size_t>(shown.size(), 22), ' ');
    lines.emplace_back(row.name, shown + row.description);
  }
  print(as_json ? values.dump() + "\n" : format_facts(lines));
}

}  // namespace

int ssim_command(const Arguments& arguments, Context&) {
  const Pair pair = read_pair(arguments.settings.reference_path, arguments.second_image);
  if (arguments.convention.empty()) {
    print_all(pair, arguments.json);
    return kNoVerdict;
  }
  const auto convention = similarity::parse_convention(arguments.convention);
  const double value = similarity::ssim(pair.a, pair.b, pair.shape, convention);
  print(arguments.json ? nlohmann::json{{arguments.convention, value}}.dump() + "\n" : digits(value) + "\n");
  return kNoVerdict;
}

}  // namespace verissim::cli
