// How verdicts and counterexamples are told, to people and to programs.
#pragma once

#include <optional>
#include <string>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "experiment/load_question.h"
#include "experiment/question.h"
#include "search/verify.h"

namespace verissim::cli {

// What a question was about, in the user's words.
struct Subject {
  std::string model;  // file names
  std::string image;
};

// The verdict in one sentence, for example "Not robust: an image with SSIM 0.9843 to 3.png gets class 3,
// not 1."
std::string sentence(const Subject& subject, const experiment::Question& question,
                     const search::Result& result,
                     const std::optional<experiment::Counterexample>& counterexample);

// "1x4x4 -> 6-6-6 -> 5 classes, 18 ReLUs"
std::string describe_network(const network::Network& network);

// Says that the command was interrupted before there was anything to tell; returns the exit code.
int interrupted(const Arguments& arguments, Context& context);

// Says in one more sentence what class a misclassified reference got from the network that `first` verified;
// nothing if it was classified correctly.
std::string note_on_reference(const search::Result& first);

Facts counterexample_facts(const experiment::Question& question,
                           const experiment::Counterexample& counterexample);

// One JSON object, with a newline.
std::string answer_json(const experiment::Question& question, const search::Result& result,
                        const std::optional<experiment::Counterexample>& counterexample);

// The question that --model, --image, --class, --dimension and the options of the neighbourhood ask.
experiment::LoadedQuestion load_question(const Arguments& arguments);

// Writes the exact values (.npy) or the rounded image (.png). Throws InputError for any other ending.
void write_counterexample(const std::string& file, const experiment::Question& question,
                          const experiment::Counterexample& counterexample);
// Throws InputError at once if write_counterexample would refuse the name.
void check_counterexample_file(const std::string& file, const Shape& shape);

}  // namespace verissim::cli
