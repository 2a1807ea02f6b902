#include "cli/pages.h"

#include <algorithm>
#include <vector>

#include "base/version.h"
#include "cli/exit_meanings.h"
#include "cli/option_help.h"
#include "experiment/config_keys.h"

namespace verissim::cli {
namespace {

// "--model,-m" -> {"--model", "-m"}
std::vector<std::string> names_of(const Option& option) {
  std::vector<std::string> names;
  for (std::string_view rest = option.names; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

bool is_positional(const Option& option) { return !option.names.starts_with('-'); }

// Whether the value is the name of something on the disk.
bool is_file(const Option& option) {
  return option.value == "FILE" || option.value == "DIR" || option.value.starts_with("FOLDER");
}

bool is_folder(const Option& option) { return option.value == "DIR" || option.value.starts_with("FOLDER"); }

// The values that an option takes, if they can be listed.
std::vector<std::string> choices_of(const Option& option) {
  if (option.value.find('|') != std::string_view::npos) return experiment::split_choices(option.value);
  const auto* key = std::get_if<std::string_view>(&option.target);
  return key == nullptr ? std::vector<std::string>{}
                        : experiment::split_choices(experiment::config_key(*key).choices);
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// Text for troff: hyphens that are typed stay hyphens, no line begins with a control character.
std::string troff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) {
      result += std::string("\\&") + c;
    } else {
      result += c;
    }
  }
  return result;
}

std::string title(const std::string& name) {
  return ".TH \"" + name + "\" 1 \"\" \"verissim " + kVersion + "\" \"User Commands\"\n";
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string option_entry(const Option& option) {
  std::string names;
  for (const std::string& name : names_of(option)) {
    names += (names.empty() ? "\\fB" : ", \\fB") + troff(name) + "\\fR";
  }
  const bool shows_value = !option.value.empty() && !is_positional(option);
  return ".TP\n" + names + (shows_value ? " \\fI" + troff(option.value) + "\\fR" : "") + "\n" +
         troff(help_text(option)) + (option.required ? " (required)" : "") + "\n";
}

std::string synopsis(const Command& command) {
  std::string text = "\\fBverissim " + std::string(command.word) + "\\fR";
  for (const Option& option : command.options) {
    if (is_positional(option)) {
      const std::string name =
          "\\fI" + troff(option.value.starts_with("FOLDER") ? option.value : option.names) + "\\fR";
      text += option.required ? " " + name : " [" + name + "]";
    } else if (option.required) {
      text += " \\fB" + troff(names_of(option).front()) + "\\fR \\fI" + troff(option.value) + "\\fR";
    }
  }
  return text + " [\\fIoption\\fR...]";
}

// What stands between backticks is bold.
std::string bold_code(std::string_view text) {
  std::string result;
  bool inside = false;
  for (const char c : text) {
    if (c != '`')
      result += troff(std::string_view(&c, 1));
    else
      result += (inside = !inside) ? "\\fB" : "\\fR";
  }
  return result;
}

std::string exit_codes() {
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitMeaning& meaning : kExitMeanings)
    text += ".TP\n" + std::to_string(meaning.code) + "\n" + bold_code(meaning.meaning) + "\n";
  return text;
}

std::string see_also(const Command* without) {
  std::string text = ".SH SEE ALSO\n";
  std::string list = without == nullptr ? "" : "\\fBverissim\\fR(1)";
  for (const Command& command : commands()) {
    if (without != nullptr && command.name == without->name) continue;
    list += (list.empty() ? "" : ", ") + ("\\fBverissim\\-" + std::string(command.word)) + "\\fR(1)";
  }
  return text + list + "\n";
}

// For single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// Of bash: for each option that takes a value, what completes it.
std::string bash_values(const Command& command) {
  std::string cases;
  for (const Option& option : command.options) {
    if (option.value.empty() || is_positional(option)) continue;
    const std::vector<std::string> choices = choices_of(option);
    const std::string reply = is_folder(option) ? "compgen -d -- \"$word\""
                              : is_file(option) ? "compgen -f -- \"$word\""
                              : !choices.empty()
                                  ? "compgen -W " + quoted(joined(choices, " ")) + " -- \"$word\""
                                  : ":";
    cases += "        " + std::string(command.word) + ":" +
             joined(names_of(option), "|" + std::string(command.word) + ":") + ") mapfile -t COMPREPLY < <(" +
             reply + "); return ;;\n";
  }
  return cases;
}

std::string option_words(const Command& command) {
  std::vector<std::string> words = {"--help"};
  for (const Option& option : command.options) {
    if (is_positional(option)) continue;
    for (const std::string& name : names_of(option)) words.push_back(name);
  }
  return joined(words, " ");
}

std::string command_words() {
  std::vector<std::string> words;
  for (const Command& command : commands()) words.emplace_back(command.word);
  return joined(words, " ");
}

// Of zsh's _arguments: brackets and colons have a meaning.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_value(const Option& option) {
  if (option.value.empty()) return "";
  const std::vector<std::string> choices = choices_of(option);
  const std::string action = is_folder(option)  ? "_files -/"
                             : is_file(option)  ? "_files"
                             : !choices.empty() ? "(" + joined(choices, " ") + ")"
                                                : " ";
  return ":" + zsh_text(option.value) + ":" + action;
}

std::string zsh_option(const Option& option) {
  if (is_positional(option))
    return quoted((option.value.starts_with("FOLDER") ? "*" : "") + zsh_value(option));
  std::string lines;
  for (const std::string& name : names_of(option)) {
    const std::string line = quoted(name + "[" + zsh_text(help_text(option)) + "]" + zsh_value(option));
    lines += (lines.empty() ? "" : " \\\n        ") + line;
  }
  return lines;
}

std::string fish_option(const Command& command, const Option& option) {
  if (is_positional(option)) return "";
  std::string line =
      "complete -c verissim -n '__fish_seen_subcommand_from " + std::string(command.word) + "'";
  for (const std::string& name : names_of(option)) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  const std::vector<std::string> choices = choices_of(option);
  if (is_file(option)) {
    line += " -r -F";
  } else if (!choices.empty()) {
    line += " -x -a " + quoted(joined(choices, " "));
  } else if (!option.value.empty()) {
    line += " -x";
  }
  // Backslashes are special in fish's single quotes too; the table has none.
  return line + " -d " + quoted(help_text(option)) + "\n";
}

}  // namespace

std::string man_page() {
  std::string text =
      title("VERISSIM") +
      ".SH NAME\nverissim \\- prove, refute and repair the robustness of image classifiers against "
      "images that look alike\n"
      ".SH SYNOPSIS\n\\fBverissim\\fR \\fIcommand\\fR [\\fIoption\\fR...]\n.br\n"
      "\\fBverissim \\-\\-version\\fR\n"
      ".SH DESCRIPTION\n"
      "Two images look alike if their structural similarity (SSIM) is at least a threshold. Around a "
      "reference image, verissim decides for all images that look alike at once whether a neural "
      "network gives them the right class: proved by arithmetic with outward rounding, or refuted by an "
      "image that was checked in exact arithmetic.\n"
      ".SH COMMANDS\n";
  for (const Command& command : commands()) {
    text += ".TP\n\\fBverissim\\-" + std::string(command.word) + "\\fR(1)\n" + troff(command.help) + "\n";
  }
  return text + exit_codes() + see_also(nullptr);
}

std::string man_page(const Command& command) {
  const std::string name = "verissim-" + std::string(command.word);
  std::string text = title(upper(name)) + ".SH NAME\n" + troff(name) + " \\- " + troff(command.help) +
                     "\n.SH SYNOPSIS\n" + synopsis(command) + "\n.SH OPTIONS\n";
  for (const Option& option : command.options) text += option_entry(option);
  return text + ".SH EXAMPLE\n.nf\n" + troff(command.example) + "\n.fi\n" + exit_codes() + see_also(&command);
}

std::string bash_completion() {
  std::string text =
      "# Completion of verissim's commands and options for bash.\n"
      "_verissim() {\n"
      "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
      "command=${COMP_WORDS[1]}\n"
      "    COMPREPLY=()\n"
      "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "        mapfile -t COMPREPLY < <(compgen -W " +
      quoted(command_words() + " --help --version") +
      " -- \"$word\")\n"
      "        return\n"
      "    fi\n"
      "    case $command:$previous in\n";
  for (const Command& command : commands()) text += bash_values(command);
  text +=
      "    esac\n"
      "    if [[ $word != -* ]]; then\n"
      "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "        return\n"
      "    fi\n"
      "    case $command in\n";
  for (const Command& command : commands()) {
    text += "        " + std::string(command.word) + ") mapfile -t COMPREPLY < <(compgen -W " +
            quoted(option_words(command)) + " -- \"$word\") ;;\n";
  }
  return text + "    esac\n}\ncomplete -o filenames -F _verissim verissim\n";
}

std::string zsh_completion() {
  std::string text =
      "#compdef verissim\n"
      "_verissim() {\n"
      "  local curcontext=$curcontext state line\n"
      "  _arguments -C '--help[help]' '--version[version and build]' '1: :->command' '*:: :->options'\n"
      "  case $state in\n"
      "    command)\n"
      "      local -a commands\n"
      "      commands=(\n";
  for (const Command& command : commands()) {
    text += "        " + quoted(std::string(command.word) + ":" + zsh_text(command.help)) + "\n";
  }
  text +=
      "      )\n"
      "      _describe command commands ;;\n"
      "    options)\n"
      "      case $line[1] in\n";
  for (const Command& command : commands()) {
    text += "      " + std::string(command.word) + ")\n        _arguments '--help[help]'";
    for (const Option& option : command.options) text += " \\\n        " + zsh_option(option);
    text += " ;;\n";
  }
  return text + "      esac ;;\n  esac\n}\n_verissim \"$@\"\n";
}

std::string fish_completion() {
  std::string text =
      "# Completion of verissim's commands and options for fish.\n"
      "complete -c verissim -n __fish_use_subcommand -l version -d 'version and build'\n";
  for (const Command& command : commands()) {
    text += "complete -c verissim -f -n __fish_use_subcommand -a " + std::string(command.word) + " -d " +
            quoted(command.help) + "\n";
  }
  for (const Command& command : commands()) {
    for (const Option& option : command.options) text += fish_option(command, option);
  }
  return text;
}

}  // namespace verissim::cli
