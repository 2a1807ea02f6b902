#include "cli/reference.h"

#include <algorithm>

#include "cli/exit_meanings.h"
#include "cli/option_help.h"
#include "experiment/config_keys.h"

namespace verissim::cli {
namespace {

// For a cell of a table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

bool is_positional(const Option& option) { return !option.names.starts_with('-'); }

// "`--model`, `-m`"
std::string names_as_code(std::string_view names) {
  std::string text;
  while (!names.empty()) {
    const size_t end = std::min(names.find(','), names.size());
    text += (text.empty() ? "`" : ", `") + std::string(names.substr(0, end)) + "`";
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return text;
}

// What stands for the value, and which values there are.
std::string value_text(const Option& option) {
  if (option.value.empty()) return "";
  const auto* key = std::get_if<std::string_view>(&option.target);
  if (is_positional(option) || key == nullptr || option.value.find('|') != std::string_view::npos)
    return "`" + std::string(option.value) + "`";
  const std::string allowed = experiment::allowed_values(experiment::config_key(*key));
  return "`" + std::string(option.value) + "`" +
         (allowed == "a text that is not empty" ? "" : ": " + allowed);
}

std::string usage(const Command& command) {
  std::string text = "verissim " + std::string(command.word);
  for (const Option& option : command.options) {
    const std::string first(option.names.substr(0, option.names.find(',')));
    if (is_positional(option)) {
      const std::string name(option.value.starts_with("FOLDER") ? option.value : option.names);
      text += option.required ? " " + name : " [" + name + "]";
    } else if (option.required) {
      text += " " + first + " " + std::string(option.value);
    }
  }
  return text + " [OPTION...]";
}

std::string command_section(const Command& command) {
  std::string text = "## verissim " + std::string(command.word) + "\n\n" + std::string(command.help) +
                     ".\n\n    " + usage(command) + "\n\n| option | value | meaning |\n| --- | --- | --- |\n";
  for (const Option& option : command.options) {
    text += "| " + cell(names_as_code(option.names)) + " | " + cell(value_text(option)) + " | " +
            cell(help_text(option)) + (option.required ? " (required)" : "") + " |\n";
  }
  return text + "\nFor example:\n\n    " + std::string(command.example) + "\n\n";
}

}  // namespace

std::string command_line_page() {
  std::string text =
      "# Command line\n\n"
      "Every command has `--help`, which says the same. `verissim --version` tells the build.\n\n"
      "| command | does |\n| --- | --- |\n";
  for (const Command& command : commands()) {
    text += "| [`verissim " + std::string(command.word) + "`](#verissim-" + std::string(command.word) +
            ") | " + cell(command.help) + " |\n";
  }
  text += "\n";
  for (const Command& command : commands()) text += command_section(command);
  text += "## Exit codes\n\n| code | meaning |\n| --- | --- |\n";
  for (const ExitMeaning& meaning : kExitMeanings)
    text += "| " + std::to_string(meaning.code) + " | " + cell(meaning.meaning) + " |\n";
  return text;
}

}  // namespace verissim::cli
