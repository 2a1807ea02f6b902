#include "cli/option_help.h"

#include "cli/format.h"
#include "experiment/config_keys.h"

namespace verissim::cli {
namespace {

using experiment::Key;

std::string default_text(const Option& option, const Arguments& defaults) {
  if (option.required) return "";
  if (const auto* name = std::get_if<std::string_view>(&option.target)) {
    const Key& key = experiment::config_key(*name);
    const std::string value = experiment::value_as_json(key, defaults.settings);
    return key.required || value == "[]" || value == "\"\"" ? "" : " (default: " + value + ")";
  }
  const OwnMember& member = std::get<OwnMember>(option.target);
  if (const auto* gap = std::get_if<double Arguments::*>(&member))
    return " (default: " + format_number(defaults.**gap) + ")";
  const auto* count = std::get_if<int64_t Arguments::*>(&member);
  return count == nullptr ? "" : " (default: " + std::to_string(defaults.**count) + ")";
}

}  // namespace

std::string help_text(const Option& option) {
  static const Arguments defaults;
  std::string text(option.help);
  if (const auto* name = std::get_if<std::string_view>(&option.target); name != nullptr && text.empty()) {
    text = experiment::config_key(*name).meaning;
  }
  return text + default_text(option, defaults);
}

}  // namespace verissim::cli
