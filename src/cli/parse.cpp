#include "cli/parse.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <deque>
#include <optional>

#include "base/error.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "cli/option_help.h"
#include "cli/version.h"
#include "experiment/config_keys.h"
#include "experiment/config_value.h"
#include "experiment/neighbourhood.h"
#include "experiment/threshold.h"

namespace verissim::cli {
namespace {

using experiment::Key;

// The name in messages: the first long one.
std::string shown_name(const Option& option) {
  return std::string(option.names.substr(0, option.names.find(',')));
}

int64_t parse_count(const std::string& text, const std::string& place) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 0 || count > 1000000) {
    throw InputError("", place, "'" + text + "'", "an integer from 0 to 1000000");
  }
  return count;
}

double parse_gap(const std::string& text, const std::string& place) {
  const double gap = Decimal::parse(text, place).nearest();
  experiment::check_gap(gap, place);
  return gap;
}

void set(const Option& option, const std::string& text, Arguments& arguments) {
  if (const auto* name = std::get_if<std::string_view>(&option.target)) {
    experiment::set_from_text(arguments.settings, experiment::config_key(*name), text, shown_name(option));
    return;
  }
  const OwnMember& member = std::get<OwnMember>(option.target);
  if (const auto* flag = std::get_if<bool Arguments::*>(&member)) arguments.** flag = true;
  if (const auto* value = std::get_if<std::string Arguments::*>(&member)) {
    if (text.empty()) throw InputError("", shown_name(option), "an empty text", std::string(option.value));
    arguments.** value = text;
  }
  if (const auto* count = std::get_if<int64_t Arguments::*>(&member)) {
    arguments.** count = parse_count(text, shown_name(option));
  }
  if (const auto* gap = std::get_if<double Arguments::*>(&member)) {
    arguments.** gap = parse_gap(text, shown_name(option));
  }
  if (const auto* list = std::get_if<std::vector<std::string> Arguments::*>(&member)) {
    (arguments.**list).push_back(text);
  }
}

bool is_command(std::string_view word) {
  return std::any_of(commands().begin(), commands().end(), [&](const Command& c) { return c.word == word; });
}

std::string no_command(const std::string& word) {
  std::string text = "'" + word + "' is no command; the commands are";
  for (const Command& command : commands()) text += " " + std::string(command.word);
  return text;
}

// What is wrong with a word of the command line that looks like an option and is none; nothing if all are.
std::optional<std::string> strange_option(const Command& command, int argc, const char* const* argv) {
  std::vector<std::string> known = {"--help"};
  for (const Option& option : command.options) {
    std::string_view names = option.names;
    while (!names.empty()) {
      known.emplace_back(names.substr(0, names.find(',')));
      names.remove_prefix(std::min(names.size(), known.back().size() + 1));
    }
  }
  for (int i = 2; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string word(std::string_view(argv[i]).substr(0, std::string_view(argv[i]).find('=')));
    if (!word.starts_with("--") || std::find(known.begin(), known.end(), word) != known.end()) continue;
    const auto nearer = [&](const std::string& a, const std::string& b) {
      return experiment::edit_distance(word, a) < experiment::edit_distance(word, b);
    };
    return "'" + word + "' is no option of " + std::string(command.word) + "; did you mean " +
           *std::min_element(known.begin(), known.end(), nearer) + "?";
  }
  return std::nullopt;
}

// The range of the config's key is that of distances; SSIM's is narrower.
void set_limit(const std::string& name, const std::string& text, experiment::Config& settings) {
  try {
    experiment::set_from_text(settings, experiment::config_key("minlp.threshold"), text, "--" + name);
  } catch (const InputError& error) {
    if (name != "ssim") throw;
    const std::string message = error.what();
    throw InputError(message.substr(0, message.find(", wanted ")) +
                     ", wanted a number above 0 and at most 1");
  }
}

// One of --ssim, --linf and --l2 says what counts as looking like the reference.
void settle_neighbourhood(const Command& command, Arguments& arguments) {
  const auto takes = [&](const Option& option) { return option.names.starts_with("--linf"); };
  if (std::none_of(command.options.begin(), command.options.end(), takes)) {
    const experiment::Config& settings = arguments.settings;
    if (settings.channels != "joint" && settings.distance != "ssim") {
      throw InputError("--channels " + settings.channels + " and --measure " + settings.distance +
                       " exclude each other");
    }
    return;
  }
  std::string given;
  for (const auto& [name, text] : {std::pair{"ssim", &arguments.ssim}, std::pair{"linf", &arguments.linf},
                                   std::pair{"l2", &arguments.l2}}) {
    if (text->empty()) continue;
    if (!given.empty()) throw InputError("--" + given + " and --" + name + " exclude each other");
    given = name;
    arguments.settings.distance = name;
    set_limit(given, *text, arguments.settings);
  }
  if (given.empty()) throw InputError("one of --ssim, --linf and --l2 is required");
  if (given != "ssim" && arguments.settings.channels != "joint")
    throw InputError("--channels " + arguments.settings.channels + " and --" + given + " exclude each other");
  experiment::neighbourhood_of(arguments.settings, "", "--" + given);
}

// Of the ways to name what is to be repaired one is used.
void check_references(const Command& command, const experiment::Config& settings) {
  if (command.name != CommandName::kRepair) return;
  const std::pair<const char*, bool> ways[] = {{"--image", !settings.reference_path.empty()},
                                               {"--references", !settings.reference_csv.empty()},
                                               {"--first", settings.reference_first > 0}};
  std::string given;
  for (const auto& [name, used] : ways) {
    if (!used) continue;
    if (!given.empty()) throw InputError(given + " and " + name + " exclude each other");
    given = name;
  }
  if (given.empty()) throw InputError("one of --image, --references and --first is required");
}

// The texts that were given, option by option; our own code reads them, with the messages of the config.
class Parser {
 public:
  Parser()
      : app_(
            "Proves, refutes and repairs the robustness of image classifiers against images that look "
            "alike.") {
    app_.name("verissim");
    app_.set_version_flag("--version", version_text, "version and build");
    app_.require_subcommand(1);
    app_.footer(
        "verissim COMMAND --help tells more. Exit codes: 20 robust or unsat, 10 not robust or sat, 0 unknown "
        "or no verdict "
        "asked for, 2 usage, 3 bad input, 130 training interrupted.");
    for (const Command& command : commands()) add(command);
  }

  std::variant<Invocation, Finished> parse(int argc, const char* const* argv) {
    if (argc > 1 && argv[1][0] != '-' && !is_command(argv[1])) return usage_error(no_command(argv[1]));
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& asked_for_text) {
      app_.exit(asked_for_text);
      return Finished{0};
    } catch (const CLI::ParseError& error) {
      const Command* used = used_command();
      const auto strange = used == nullptr ? std::nullopt : strange_option(*used, argc, argv);
      return usage_error(strange.value_or(error.what()));
    }
    try {
      return invocation();
    } catch (const InputError& error) {
      return usage_error(error.what());
    }
  }

 private:
  struct Given {
    const Command* command;
    const Option* option;
    CLI::Option* parsed;
    std::vector<std::string> texts;
  };

  void add(const Command& command) {
    CLI::App* app = app_.add_subcommand(std::string(command.word), std::string(command.help));
    app->footer("Example:\n  " + std::string(command.example));
    for (const Option& option : command.options) {
      Given& given = given_.emplace_back(Given{&command, &option, nullptr, {}});
      given.parsed = add(*app, option, given.texts);
    }
  }

  static bool takes_several(const Option& option) {
    const auto* own = std::get_if<OwnMember>(&option.target);
    return own != nullptr && std::holds_alternative<std::vector<std::string> Arguments::*>(*own);
  }

  static CLI::Option* add(CLI::App& app, const Option& option, std::vector<std::string>& texts) {
    const std::string names(option.names);
    if (option.value.empty()) return app.add_flag(names)->description(help_text(option));
    CLI::Option* added = app.add_option(names, texts, help_text(option));
    if (!takes_several(option)) added->expected(1)->allow_extra_args(false);
    return added->type_name(std::string(option.value))->required(option.required);
  }

  static void set_all(const Given& given, Arguments& arguments) {
    if (given.texts.empty()) set(*given.option, "", arguments);  // a switch
    for (const std::string& text : given.texts) set(*given.option, text, arguments);
  }

  const Command* used_command() const {
    for (const Command& command : commands())
      if (app_.got_subcommand(std::string(command.word))) return &command;
    return nullptr;
  }

  Invocation invocation() const {
    Invocation result{};
    const Command* used = used_command();
    VERISSIM_CHECK(used != nullptr);
    result.command = used->name;
    for (const Given& given : given_) {
      if (given.command->name == result.command && given.parsed->count() > 0) {
        set_all(given, result.arguments);
      }
    }
    check_needs(result.command);
    result.arguments.settings.eight_bit = result.arguments.eight_bit;
    settle_neighbourhood(*used, result.arguments);
    check_references(*used, result.arguments.settings);
    return result;
  }

  // Options that make no sense without another one.
  void check_needs(CommandName command) const {
    const auto is_given = [&](std::string_view name) {
      return std::any_of(given_.begin(), given_.end(), [&](const Given& given) {
        return given.command->name == command && given.parsed->count() > 0 &&
               shown_name(*given.option) == name;
      });
    };
    for (const Given& given : given_) {
      const std::string_view needs = given.option->needs;
      if (given.command->name != command || given.parsed->count() == 0 || needs.empty()) continue;
      if (!is_given(needs))
        throw InputError(shown_name(*given.option) + " needs " + std::string(needs) + " beside it");
    }
  }

  Finished usage_error(const std::string& message) const {
    std::string command = "verissim";
    for (const CLI::App* used : app_.get_subcommands()) command += " " + used->get_name();
    std::fprintf(stderr, "verissim: %s (%s --help tells more)\n", message.c_str(), command.c_str());
    return Finished{kUsage};
  }

  CLI::App app_;
  std::deque<Given> given_;  // elements do not move: CLI11 keeps references to their texts
};

}  // namespace

std::variant<Invocation, Finished> parse(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace verissim::cli
