// The questions that the engine answers. Answers are dicts, from which the Python code makes its own types.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <optional>
#include <utility>
#include <vector>

#include "attack/attack.h"
#include "base/error.h"
#include "certificate/writer.h"
#include "engine.h"
#include "experiment/certify.h"
#include "experiment/question.h"
#include "experiment/threshold.h"
#include "listening.h"
#include "search/threshold.h"
#include "search/verify.h"

namespace verissim::python {
namespace nb = nanobind;
namespace {

struct Settings {
  double timeout = 0.0;
  int threads = 0;
  uint64_t seed = 1;
  int tolerance_digits = 6;
  int64_t memory_limit_mb = 4096;
  int64_t node_limit = 0;
  bool eight_bit = false;
};

// What is asked about; the limit is the decimal number as written.
struct Subject {
  Dimension dimension;
  int64_t label = 0;
  std::string measure;  // "ssim", "channel-ssim", "linf", "l2"
  std::string limit;
  std::string arithmetic;  // "exact", "float32"
};

// Where a certificate is to be written, and the file that the image is from; nothing if none is wanted.
struct Certificate {
  std::string path;
  std::string image_file;
};

experiment::Measure to_measure(const std::string& name) {
  if (name == "ssim") return experiment::Measure::kSsim;
  if (name == "channel-ssim") return experiment::Measure::kChannelSsim;
  if (name == "linf") return experiment::Measure::kLinf;
  if (name == "l2") return experiment::Measure::kL2;
  throw InputError("", "measure", "'" + name + "'", "ssim, channel-ssim, linf or l2");
}

network::Arithmetic to_arithmetic(const std::string& name) {
  if (name == "exact") return network::Arithmetic::kExact;
  if (name == "float32") return network::Arithmetic::kFloat32;
  throw InputError("", "arithmetic", "'" + name + "'", "'exact' or 'float32'");
}

experiment::Question ask(const Model& model, const FloatArray& image, const Subject& subject) {
  const experiment::Measure measure = to_measure(subject.measure);
  experiment::Neighbourhood neighbourhood(measure, Decimal::parse(subject.limit, subject.measure));
  neighbourhood.arithmetic = to_arithmetic(subject.arithmetic);
  if (neighbourhood.is_ssim() && (neighbourhood.limit.exact() <= 0 || neighbourhood.limit.exact() > 1)) {
    throw InputError("", "ssim", "the number " + subject.limit, "a number above 0 and at most 1");
  }
  return experiment::make_question(*model.network, to_image(image, to_shape(subject.dimension)),
                                   subject.label, neighbourhood);
}

search::Options to_options(const Settings& settings) {
  search::Options options;
  options.timeout_seconds = settings.timeout;
  options.threads = settings.threads;
  options.seed = settings.seed;
  options.tolerance_digits = settings.tolerance_digits;
  options.memory_limit_bytes = static_cast<uint64_t>(settings.memory_limit_mb) << 20;
  options.node_limit = settings.node_limit;
  options.eight_bit = settings.eight_bit;
  return options;
}

nb::dict to_dict(const experiment::Counterexample& found) {
  nb::dict result;
  result["values"] = to_array(found.values);
  result["rival"] = found.rival;
  result["margin"] = found.margin;
  result["ssim"] = found.ssim;
  result["distance"] = found.distance;
  result["max_deviation"] = found.max_deviation;
  result["rounded"] = to_array(found.rounded.values);
  result["rounded_is_counterexample"] = found.rounded_is_counterexample;
  return result;
}

std::vector<experiment::Counterexample> examine(const experiment::Question& question,
                                                const std::vector<attack::Violation>& violations) {
  std::vector<experiment::Counterexample> result;
  for (const auto& violation : violations)
    result.push_back(experiment::examine(question, question.network, violation));
  return result;
}

nb::list to_list(const std::vector<experiment::Counterexample>& found) {
  nb::list result;
  for (const auto& one : found) result.append(to_dict(one));
  return result;
}

nb::dict to_dict(const search::Statistics& statistics) {
  nb::dict result;
  result["subproblems"] = statistics.nodes;
  result["leaves"] = statistics.leaves;
  result["replays_failed"] = statistics.replays_failed;
  result["relus"] = statistics.relus;
  result["stable_relus"] = statistics.stable_relus;
  result["seconds_attack"] = statistics.seconds_attack;
  result["seconds_root"] = statistics.seconds_root;
  result["seconds_search"] = statistics.seconds_search;
  result["seconds"] = statistics.seconds;
  return result;
}

// Throws InputError if the question is none for certificates.
std::optional<certificate::Writer> to_writer(const std::optional<Certificate>& wanted, const Model& model,
                                             const experiment::Question& question) {
  if (!wanted) return std::nullopt;
  if (model.path.empty())
    throw InputError("", "certificate", "a network from memory", "one that was read from a file");
  const auto why_not =
      experiment::why_no_certificate(*model.read, model.path, wanted->image_file, question.neighbourhood);
  if (why_not) throw InputError(model.path, "certificate", *why_not, "");
  return std::optional<certificate::Writer>(
      std::in_place, wanted->path, experiment::certificate_subject(question, model.path, model.digest));
}

// Result: "no_certificate" is the clause why none was written, None if one was or none was wanted.
nb::dict verify(const Model& model, const FloatArray& image, const Subject& subject, const Settings& settings,
                const std::optional<Certificate>& certificate, const nb::object& progress) {
  experiment::Question question = ask(model, image, subject);
  question.neighbourhood.eight_bit = settings.eight_bit;
  search::Result found;
  std::vector<experiment::Counterexample> examined;
  std::optional<std::string> no_certificate;
  while_listening(progress, [&](const InterruptFlag& interrupt, News& news) {
    std::optional<certificate::Writer> writer = to_writer(certificate, model, question);
    search::Options options = to_options(settings);
    if (writer) options.recorder = &*writer;
    found = search::verify(question.problem(), options, StopToken(0.0, &interrupt), &news);
    examined = examine(question, found.counterexamples);
    if (writer) no_certificate = writer->finish(found);
  });
  nb::dict result;
  result["no_certificate"] = no_certificate;
  result["verdict"] = search::to_string(found.verdict);
  result["reason"] = search::to_string(found.reason);
  result["margin"] = found.margin_bound;
  result["margin_seen"] = found.margin_seen;
  result["counterexamples"] = to_list(examined);
  result["statistics"] = to_dict(found.statistics);
  return result;
}

// margin: counterexamples are images that the label wins by no more than that.
nb::list attack(const Model& model, const FloatArray& image, const Subject& subject, const Settings& settings,
                int restarts, int steps, int wanted, double margin, const nb::object& progress) {
  experiment::Question question = ask(model, image, subject);
  for (property::Goal& goal : question.property.goals) goal.offset = -margin;
  attack::Options options;
  options.seed = settings.seed;
  options.eight_bit = settings.eight_bit;
  options.restarts = restarts;
  options.steps = steps;
  options.wanted = wanted;
  std::vector<experiment::Counterexample> examined;
  while_listening(progress, [&](const InterruptFlag& interrupt, News&) {
    const StopToken stop(settings.timeout, &interrupt);
    examined = examine(question, attack::find_violations(question.network, *question.region,
                                                         question.property, options, stop, nullptr));
  });
  for (auto& found : examined) found.margin += margin;  // as the scores' own
  return to_list(examined);
}

nb::dict threshold(const Model& model, const FloatArray& image, const Subject& subject,
                   const Settings& settings, double gap, const nb::object& progress) {
  experiment::check_gap(gap);
  experiment::Question question = ask(model, image, subject);
  search::ThresholdOptions options;
  options.search = to_options(settings);
  options.gap = gap;
  search::ThresholdResult found;
  std::vector<experiment::Counterexample> examined;
  while_listening(progress, [&](const InterruptFlag& interrupt, News& news) {
    found = experiment::find_threshold(question, options, StopToken(0.0, &interrupt), &news);
    if (found.bracket.closest) examined = examine(question, {*found.bracket.closest});
  });
  nb::dict result;
  const search::Bracket& bracket = found.bracket;
  result["proved_at"] =
      bracket.proved ? nb::object(nb::str(bracket.proved->value.text().c_str())) : nb::none();
  result["refuted_at"] =
      bracket.refuted ? nb::object(nb::str(bracket.refuted->value.text().c_str())) : nb::none();
  result["counterexamples"] = to_list(examined);
  result["reason"] = search::to_string(found.end);
  result["questions"] = found.questions;
  result["subproblems"] = found.nodes;
  result["seconds"] = found.seconds;
  return result;
}

}  // namespace

void add_questions(nb::module_& module) {
  nb::class_<Settings>(module, "Settings")
      .def(nb::init<>())
      .def_rw("timeout", &Settings::timeout)
      .def_rw("threads", &Settings::threads)
      .def_rw("seed", &Settings::seed)
      .def_rw("tolerance_digits", &Settings::tolerance_digits)
      .def_rw("memory_limit_mb", &Settings::memory_limit_mb)
      .def_rw("node_limit", &Settings::node_limit)
      .def_rw("eight_bit", &Settings::eight_bit);
  nb::class_<Subject>(module, "Subject")
      .def("__init__",
           [](Subject* self, const Dimension& dimension, int64_t label, const std::string& measure,
              const std::string& limit, const std::string& arithmetic) {
             new (self) Subject{dimension, label, measure, limit, arithmetic};
           });
  nb::class_<Certificate>(module, "Certificate")
      .def("__init__", [](Certificate* self, const std::string& path, const std::string& image_file) {
        new (self) Certificate{path, image_file};
      });
  module.def("verify", verify, nb::arg("model"), nb::arg("image"), nb::arg("subject"), nb::arg("settings"),
             nb::arg("certificate").none(), nb::arg("progress").none());
  module.def("attack", attack, nb::arg("model"), nb::arg("image"), nb::arg("subject"), nb::arg("settings"),
             nb::arg("restarts"), nb::arg("steps"), nb::arg("wanted"), nb::arg("margin"),
             nb::arg("progress").none());
  module.def("threshold", threshold, nb::arg("model"), nb::arg("image"), nb::arg("subject"),
             nb::arg("settings"), nb::arg("gap"), nb::arg("progress").none());
}

}  // namespace verissim::python
