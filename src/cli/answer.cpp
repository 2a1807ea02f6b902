#include "cli/answer.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/version.h"
#include "cli/exit_codes.h"
#include "experiment/output_file.h"
#include "image/npy.h"
#include "image/write_image.h"
#include "network/describe.h"

namespace verissim::cli {
namespace {

using json = nlohmann::ordered_json;

json finite(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

// Not known where no subproblem was bounded.
json stable_relus(const search::Result& result) {
  return result.statistics.nodes > 0 ? json(result.statistics.stable_relus) : json(nullptr);
}

std::string as_class(const experiment::Question& question, const experiment::Counterexample& found) {
  const std::string rival = std::to_string(found.rival);
  const std::string own = std::to_string(question.label);
  return found.margin < 0 ? "class " + rival + ", not " + own : "class " + rival + " just as much as " + own;
}

// "SSIM 0.9843", "L2 distance 0.4321"
std::string likeness(const experiment::Neighbourhood& hood, double ssim, double distance) {
  const double limit = hood.limit.nearest();
  return experiment::title_of(hood) + " " +
         (hood.is_ssim() ? format_ssim(ssim, limit) : format_distance(distance, limit));
}

std::string one_image(const experiment::Question& question, const experiment::Counterexample& found,
                      const std::string& reference) {
  const experiment::Neighbourhood& hood = question.neighbourhood;
  const std::string text = likeness(hood, found.ssim, found.distance);
  const std::string image = hood.eight_bit ? "an image of 8 bits" : "an image";
  return hood.is_ssim() ? image + " with " + text + " to " + reference
                        : image + " at " + text + " from " + reference;
}

bool ends_with(const std::string& file, const char* ending) { return file.ends_with(ending); }

}  // namespace

std::string sentence(const Subject& subject, const experiment::Question& question,
                     const search::Result& result,
                     const std::optional<experiment::Counterexample>& counterexample) {
  const std::string all = experiment::every_image(question.neighbourhood, subject.image);
  const std::string own = std::to_string(question.label) + experiment::by_arithmetic(question.neighbourhood);
  switch (result.verdict) {
    case search::Verdict::kRobust:
      return "Robust: " + all + " gets class " + own + ".";
    case search::Verdict::kNotRobust:
      if (result.reason == search::Reason::kReferenceMisclassified) {
        return "Not robust: " + subject.image + " itself gets " + as_class(question, *counterexample) +
               experiment::by_arithmetic(question.neighbourhood) + ".";
      }
      return "Not robust: " + one_image(question, *counterexample, subject.image) + " gets " +
             as_class(question, *counterexample) + experiment::by_arithmetic(question.neighbourhood) + ".";
    case search::Verdict::kUnknown:
      break;
  }
  return "Unknown: " + std::string(search::to_string(result.reason)) + "; whether " + all + " gets class " +
         own + " is open.";
}

std::string describe_network(const network::Network& network) {
  std::string hidden;
  for (const int64_t size : network::hidden_sizes(network)) {
    hidden += (hidden.empty() ? "" : "-") + std::to_string(size);
  }
  return to_string(network.input) + " -> " + (hidden.empty() ? "" : hidden + " -> ") +
         std::to_string(network.outputs()) + " classes, " + format_count(network.relus(), "ReLU") + ", " +
         format_count(network.parameters(), "parameter");
}

int interrupted(const Arguments& arguments, Context& context) {
  context.terminal.clear();
  print(arguments.json ? "{\"verdict\":\"unknown\",\"reason\":\"interrupted\"}\n"
                       : "Unknown: interrupted.\n");
  return kNoVerdict;
}

std::string note_on_reference(const search::Result& first) {
  const auto wrong = experiment::wrong_class(first);
  if (!wrong) return "";
  const bool tie = first.counterexamples.front().margin == 0;
  return " Note: the network gave the reference class " + std::to_string(*wrong) + " before" +
         (tie ? ", just as much as its own." : ".");
}

Facts counterexample_facts(const experiment::Question& question,
                           const experiment::Counterexample& counterexample) {
  const std::string rounded =
      std::string(counterexample.rounded_is_counterexample ? "still" : "no longer") + " a counterexample (" +
      likeness(question.neighbourhood, counterexample.rounded_ssim, counterexample.rounded_distance) +
      ", margin " + format_number(counterexample.rounded_margin) + ")";
  return {
      {"margin", format_number(counterexample.margin) + " (score of the reference's class less the other's)"},
      {"deviation", "at most " + format_number(counterexample.max_deviation) + " in one value"},
      {"as 8 bits", rounded}};
}

std::string answer_json(const experiment::Question& question, const search::Result& result,
                        const std::optional<experiment::Counterexample>& counterexample) {
  json object = {{"verdict", search::to_string(result.verdict)},
                 {"reason", search::to_string(result.reason)},
                 {"margin_bound", finite(result.margin_bound)},
                 {"margin_seen", finite(result.margin_seen)},
                 {"counterexample", nullptr},
                 {"ssim", nullptr},
                 {"seconds", result.statistics.seconds},
                 {"nodes", result.statistics.nodes},
                 {"class", question.label},
                 {"rival", nullptr},
                 {"measure", experiment::name_of(question.neighbourhood)},
                 {"threshold", question.neighbourhood.limit.text()},
                 {"eight_bit", question.neighbourhood.eight_bit},
                 {"arithmetic", experiment::name_of(question.neighbourhood.arithmetic)},
                 {"convention", experiment::convention_of(question.neighbourhood)},
                 {"relus", result.statistics.relus},
                 {"stable_relus", stable_relus(result)},
                 {"version", kVersion}};
  if (counterexample) {
    object["counterexample"] = counterexample->values;
    object["ssim"] = counterexample->ssim;
    if (!question.neighbourhood.is_ssim()) object["distance"] = counterexample->distance;
    object["rival"] = counterexample->rival;
    object["margin"] = counterexample->margin;
    object["rounded_is_counterexample"] = counterexample->rounded_is_counterexample;
  }
  return object.dump() + "\n";
}

experiment::LoadedQuestion load_question(const Arguments& arguments) {
  const experiment::Config& settings = arguments.settings;
  std::optional<Shape> dimension;
  if (settings.dimension.size() > 0) dimension = settings.dimension;
  return experiment::load_question(arguments.model, settings.reference_path, settings.reference_class,
                                   experiment::neighbourhood_of(settings), dimension);
}

void check_counterexample_file(const std::string& file, const Shape& shape) {
  if (file.empty()) return;
  const bool png = ends_with(file, ".png");
  if (!png && !ends_with(file, ".npy"))
    throw InputError("", "--out", "'" + file + "'", "a name that ends in .npy or .png");
  if (png && !image::fits_png(shape)) {
    throw InputError("", "--out", "an image of " + std::to_string(shape.channels) + " channels as .png",
                     ".npy");
  }
  experiment::check_output_file(file);
}

void write_counterexample(const std::string& file, const experiment::Question& question,
                          const experiment::Counterexample& counterexample) {
  const Shape& shape = question.reference.shape;
  check_counterexample_file(file, shape);
  if (ends_with(file, ".png")) {
    image::write_png(file, counterexample.rounded);
  } else {
    image::write_npy(file, counterexample.values, std::array{shape.channels, shape.height, shape.width});
  }
}

}  // namespace verissim::cli
