// The public interface, a thin layer over the rooms.
#include <verissim/verissim.h>

#include <utility>

#include "attack/attack.h"
#include "base/error.h"
#include "certificate/writer.h"
#include "experiment/certify.h"
#include "experiment/networks.h"
#include "experiment/question.h"
#include "experiment/threshold.h"
#include "image/read_image.h"
#include "network/model_file.h"
#include "repair/engine.h"
#include "repair/repair.h"
#include "search/verify.h"
#include "similarity/ssim.h"
#include "train/forward.h"

namespace verissim {

struct Model::Data {
  Data(std::string path, network::LoadedModel model) : file(std::move(path)), loaded(std::move(model)) {}

  std::string file;
  network::LoadedModel loaded;
  const network::Network& network = loaded.network;
};

struct Interrupt::Flag {
  InterruptFlag flag;
};

namespace {

// Input errors leave the library as its public error.
template <typename Work>
auto translated(const Work& work) {
  try {
    return work();
  } catch (const InputError& error) {
    throw Error(error.what());
  }
}

Shape to_shape(const Dimension& dimension) { return {dimension.channels, dimension.height, dimension.width}; }
Dimension to_dimension(const Shape& shape) { return {shape.channels, shape.height, shape.width}; }

image::Image to_image(const Picture& picture) {
  if (static_cast<int64_t>(picture.values.size()) != picture.dimension.size()) {
    throw InputError("picture", "values", std::to_string(picture.values.size()),
                     std::to_string(picture.dimension.size()) + " as its dimension says");
  }
  return {to_shape(picture.dimension), picture.values};
}

experiment::Measure to_measure(Measure measure) {
  switch (measure) {
    case Measure::kSsim:
      return experiment::Measure::kSsim;
    case Measure::kChannelSsim:
      return experiment::Measure::kChannelSsim;
    case Measure::kLinf:
      return experiment::Measure::kLinf;
    case Measure::kL2:
      return experiment::Measure::kL2;
  }
  throw InputError("", "measure", std::to_string(static_cast<int>(measure)), "one of verissim::Measure");
}

network::Arithmetic to_arithmetic(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::kExact:
      return network::Arithmetic::kExact;
    case Arithmetic::kFloat32:
      return network::Arithmetic::kFloat32;
  }
  throw InputError("", "arithmetic", std::to_string(static_cast<int>(arithmetic)),
                   "one of verissim::Arithmetic");
}

experiment::Question ask(const Model& model, const Picture& reference, int64_t label,
                         const Neighbourhood& neighbourhood, const Settings& settings) {
  experiment::Neighbourhood hood(to_measure(neighbourhood.measure),
                                 Decimal::parse(neighbourhood.limit, "threshold"));
  hood.eight_bit = settings.eight_bit;
  hood.arithmetic = to_arithmetic(settings.arithmetic);
  return experiment::make_question(model.data().network, to_image(reference), label, hood);
}

StopToken stop_token(const Settings& settings) {
  const InterruptFlag* flag = settings.interrupt == nullptr ? nullptr : &settings.interrupt->flag().flag;
  return StopToken(settings.timeout_seconds, flag);
}

search::Options search_options(const Settings& settings) {
  search::Options options;
  options.timeout_seconds = settings.timeout_seconds;
  options.threads = settings.threads;
  options.seed = settings.seed;
  options.tolerance_digits = settings.tolerance_digits;
  options.memory_limit_bytes = settings.memory_limit_bytes;
  options.eight_bit = settings.eight_bit;
  return options;
}

std::optional<Counterexample> worst(const experiment::Question& question,
                                    const std::vector<attack::Violation>& violations) {
  if (violations.empty()) return std::nullopt;
  const experiment::Counterexample found =
      experiment::examine(question, question.network, violations.front());
  return Counterexample{found.values, found.rival, found.margin, found.ssim, found.distance};
}

// Throws InputError if a certificate is wanted that there cannot be.
std::optional<certificate::Writer> certificate_writer(const Model& model, const Picture& reference,
                                                      const experiment::Question& question,
                                                      const std::string& file) {
  if (file.empty()) return std::nullopt;
  const network::LoadedModel& loaded = model.data().loaded;
  const auto why_not =
      reference.file.empty()
          ? "certificates are about pictures that were read from a file"
          : experiment::why_no_certificate(loaded, model.data().file, reference.file, question.neighbourhood);
  if (why_not) throw InputError(model.data().file, "certificate", *why_not, "");
  return std::optional<certificate::Writer>(
      std::in_place, file, experiment::certificate_subject(question, model.data().file, loaded.digest));
}

Verdict to_verdict(search::Verdict verdict) {
  switch (verdict) {
    case search::Verdict::kRobust:
      return Verdict::kRobust;
    case search::Verdict::kNotRobust:
      return Verdict::kNotRobust;
    case search::Verdict::kUnknown:
      return Verdict::kUnknown;
  }
  return Verdict::kUnknown;
}

Answer to_answer(const experiment::Question& question, const search::Result& result) {
  Answer answer;
  answer.verdict = to_verdict(result.verdict);
  answer.reason = search::to_string(result.reason);
  answer.margin_bound = result.margin_bound;
  answer.counterexample = worst(question, result.counterexamples);
  answer.subproblems = result.statistics.nodes;
  answer.seconds = result.statistics.seconds;
  return answer;
}

train::Samples to_samples(const Samples& samples, int64_t classes) {
  const int64_t count = static_cast<int64_t>(samples.labels.size());
  if (static_cast<int64_t>(samples.images.size()) != count * samples.dimension.size()) {
    throw InputError(
        "samples", "images", std::to_string(samples.images.size()) + " values",
        std::to_string(count * samples.dimension.size()) + " for " + std::to_string(count) + " labels");
  }
  return {to_shape(samples.dimension), samples.images, samples.labels, classes};
}

repair::Options repair_options(const RepairSettings& repairing, const Settings& settings) {
  repair::Options options;
  options.method = repairing.method;
  options.timeout_seconds = repairing.timeout_seconds;
  options.budget_seconds = repairing.budget_seconds;
  options.min_accuracy = repairing.min_accuracy;
  options.margin = repairing.margin;
  options.max_rounds = repairing.max_rounds;
  options.training.learning_rate = repairing.learning_rate;
  options.training.batch_size = repairing.batch_size;
  options.training.keep_outputs = repairing.keep_outputs;
  options.training.keep_weights = repairing.keep_weights;
  options.training.layers = repairing.layers;
  options.training.seed = settings.seed;
  return options;
}

// Settings::timeout_seconds is for each verification; a repair has limits of its own.
StopToken stop_token_without_limit(const Settings& settings) {
  return StopToken(0.0, settings.interrupt == nullptr ? nullptr : &settings.interrupt->flag().flag);
}

}  // namespace

void Model::save(const std::string& file) const {
  translated([&] {
    experiment::check_ending(file, data_->loaded);
    experiment::save_network_like(file, data_->loaded, data_->network);
  });
}

Model Model::load(const std::string& file, const std::optional<Dimension>& input) {
  return translated([&] {
    std::optional<Shape> shape;
    if (input) shape = to_shape(*input);
    return Model(std::make_shared<const Data>(file, network::load_model(file, shape)));
  });
}

Dimension Model::input() const { return to_dimension(data_->network.input); }
int64_t Model::classes() const { return data_->network.outputs(); }
int64_t Model::relus() const { return data_->network.relus(); }

std::vector<double> Model::scores(const Picture& picture) const {
  return translated([&] {
    const image::Image image = to_image(picture);
    if (image.shape.size() != data_->network.inputs()) {
      throw InputError("picture", "", std::to_string(image.shape.size()) + " values",
                       std::to_string(data_->network.inputs()) + ", the model's input");
    }
    return experiment::scores_at(data_->network, image);
  });
}

Picture load_picture(const std::string& file, const Dimension& dimension) {
  return translated([&] {
    return Picture{dimension, image::load_image(file, to_shape(dimension)).values, file};
  });
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRobust:
      return "robust";
    case Verdict::kNotRobust:
      return "not robust";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Interrupt::Interrupt() : flag_(std::make_unique<Flag>()) {}
Interrupt::~Interrupt() = default;
void Interrupt::set() noexcept { flag_->flag.set(); }

Answer verify(const Model& model, const Picture& reference, int64_t label, const Neighbourhood& neighbourhood,
              const Settings& settings) {
  return translated([&] {
    const experiment::Question question = ask(model, reference, label, neighbourhood, settings);
    auto writer = certificate_writer(model, reference, question, settings.certificate);
    search::Options options = search_options(settings);
    if (writer) options.recorder = &*writer;
    const search::Result result = search::verify(question.problem(), options, stop_token(settings), nullptr);
    Answer answer = to_answer(question, result);
    if (writer)
      answer.no_certificate =
          experiment::finish_certificate(*writer, question.network, label, result).value_or("");
    return answer;
  });
}

std::optional<Counterexample> find_counterexample(const Model& model, const Picture& reference, int64_t label,
                                                  const Neighbourhood& neighbourhood,
                                                  const Settings& settings) {
  return translated([&] {
    const experiment::Question question = ask(model, reference, label, neighbourhood, settings);
    attack::Options options;
    options.seed = settings.seed;
    options.eight_bit = settings.eight_bit;
    return worst(question, attack::find_violations(question.network, *question.region, question.property,
                                                   options, stop_token(settings), nullptr));
  });
}

Threshold find_threshold(const Model& model, const Picture& reference, int64_t label, Measure measure,
                         const Settings& settings, double gap) {
  return translated([&] {
    experiment::check_gap(gap);
    if (settings.eight_bit)
      throw InputError("", "eight_bit", "true", "false: thresholds are about all images");
    experiment::Question question = ask(model, reference, label, {measure, "1"}, settings);
    search::ThresholdOptions options;
    options.search = search_options(settings);
    options.gap = gap;
    const search::ThresholdResult found =
        experiment::find_threshold(question, options, stop_token(settings), nullptr);
    Threshold result;
    if (const auto& proved = found.bracket.proved) result.proved_at = proved->value.text();
    if (const auto& refuted = found.bracket.refuted) result.refuted_at = refuted->value.text();
    if (const auto& closest = found.bracket.closest) result.closest = worst(question, {*closest});
    result.reason = search::to_string(found.end);
    result.questions = found.questions;
    result.subproblems = found.nodes;
    result.seconds = found.seconds;
    return result;
  });
}

Repaired repair_model(const Model& model, const std::vector<Reference>& references, const Samples& training,
                      const Samples& test, const RepairSettings& repairing, const Settings& settings) {
  return translated([&] {
    std::vector<experiment::Question> questions;
    std::vector<repair::Target> targets;
    for (const Reference& each : references) {
      questions.push_back(ask(model, each.picture, each.label, each.neighbourhood, settings));
      const experiment::Question& question = questions.back();
      targets.push_back(
          repair::make_target(*question.region, question.label, search_options(settings), nullptr));
    }
    const int64_t classes = model.classes();
    network::Network network = model.data().network;
    network.arithmetic = to_arithmetic(settings.arithmetic);
    repair::Outcome outcome =
        repair::repair(network, targets, to_samples(training, classes), to_samples(test, classes),
                       repair_options(repairing, settings), nullptr, stop_token_without_limit(settings));
    network::LoadedModel loaded = model.data().loaded;
    const network::Network& kept = outcome.network;
    Repaired result{outcome.status == repair::Status::kRobust,
                    repair::to_string(outcome.status),
                    {},
                    Model(nullptr),
                    outcome.repairs,
                    outcome.rounds.front().accuracy_before,
                    train::accuracy(kept, to_samples(test, classes))};
    for (size_t i = 0; i < questions.size(); ++i) {
      questions[i].network = kept;
      const auto& verification = outcome.verifications[i];
      result.answers.push_back(verification ? to_answer(questions[i], *verification) : Answer{});
    }
    loaded.network = kept;
    loaded.network.arithmetic = network::Arithmetic::kExact;  // as read: settings say which is asked about
    result.model = Model(std::make_shared<const Model::Data>(model.data().file, std::move(loaded)));
    return result;
  });
}

double ssim(const Picture& a, const Picture& b, const std::string& convention) {
  return translated([&] {
    if (to_shape(a.dimension) != to_shape(b.dimension)) {
      throw InputError("second picture", "dimension", to_string(to_shape(b.dimension)),
                       to_string(to_shape(a.dimension)) + " as the first");
    }
    return similarity::ssim(to_image(a), to_image(b), similarity::parse_convention(convention));
  });
}

}  // namespace verissim
