// What the command line may say: one table of commands and their options, from which the parser and the help
// texts are made. Options that mean the same as a key of an experiment's config name that key and take its
// type, range and default from there.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "experiment/config.h"

namespace verissim::cli {

// The options of all commands; each command reads those that its table lists.
struct Arguments {
  experiment::Config settings;  // dimension: 0x0x0 unless given

  std::string config;
  bool print_config = false;
  bool list_keys = false;
  bool quiet = false;
  bool json = false;
  std::string model;
  std::string property;
  std::string second_image;
  std::string convention;
  std::string out;
  std::string certificate;
  // Exactly one of these is given; parse() puts it into the settings.
  std::string ssim;
  std::string linf;
  std::string l2;
  bool eight_bit = false;
  int64_t restarts = 20;
  int64_t steps = 30;
  int64_t wanted = 1;
  double gap = 0.01;
  std::vector<std::string> folders;
  std::string events;
};

// A switch, a text, a count of at least 0, the gap of `threshold`, or one and more texts.
using OwnMember = std::variant<bool Arguments::*, std::string Arguments::*, int64_t Arguments::*,
                               double Arguments::*, std::vector<std::string> Arguments::*>;

struct Option {
  std::string_view names;       // "--model,-m", or "CONFIG" for a positional
  std::string_view value = {};  // what stands for the value in the help: "FILE"; empty: a switch
  std::variant<std::string_view, OwnMember> target;  // the name of a config key, or a member of Arguments
  std::string_view help = {};                        // empty: the config key's meaning
  bool required = false;
  std::string_view needs = {};  // the first name of an option that must be given, too
};

enum class CommandName {
  kRun,
  kVerify,
  kThreshold,
  kAttack,
  kTrain,
  kRepair,
  kSsim,
  kVnncomp,
  kInfo,
  kReport
};

struct Command {
  CommandName name;
  std::string_view word;
  std::string_view help;
  std::string_view example;
  std::span<const Option> options;
};

std::span<const Command> commands();
const Command& command_called(CommandName name);

}  // namespace verissim::cli
