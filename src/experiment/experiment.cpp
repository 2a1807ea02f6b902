#include "experiment/experiment.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "experiment/certify.h"
#include "experiment/data.h"
#include "experiment/inputs.h"
#include "experiment/networks.h"
#include "experiment/output_file.h"
#include "experiment/printed.h"
#include "experiment/references.h"
#include "experiment/repair_model.h"
#include "experiment/round_writer.h"
#include "experiment/run_folder.h"
#include "experiment/search_memory.h"
#include "experiment/session.h"
#include "experiment/state_key.h"
#include "report/page.h"
#include "report/run.h"
#include "train/forward.h"
#include "train/learner.h"
#include "train/train.h"

namespace verissim::experiment {
namespace {

constexpr const char* kRepairedModel = "repaired_model";
constexpr const char* kBestModel = "best_model";
constexpr const char* kCertificate = "proof.certificate";
constexpr const char* kTrainingState = "states/training";
constexpr double kSecondsBetween = 10.0;  // two states of the training
// For each verification of the images that no repair has seen, where the config sets no limit.
constexpr double kSecondsUnseen = 30.0;

class Experiment {
 public:
  Experiment(const Config& config, const std::vector<std::string>& command, const InterruptFlag* interrupt,
             Listener& listener, std::string resumed = "")
      : session_(config, command, listener),
        config_(session_.config()),
        stop_(0.0, interrupt),
        resumed_(std::move(resumed)) {}

  Outcome run() {
    if (!check_inputs()) return interrupted();
    session_.open(resumed_);
    memory_.emplace(session_.file(kStates), config_);
    note_inputs();
    try {
      if (!model_ && !train_model()) return interrupted();
      return ended(repair_until_robust());
    } catch (const InputError& error) {
      session_.log(std::string("error: ") + error.what());
      throw;
    }
  }

 private:
  Outcome interrupted() {
    session_.report().reason = repair::to_string(repair::Status::kInterrupted);
    session_.note(session_.report().reason);
    return ended(repair::Status::kInterrupted);
  }

  Outcome ended(repair::Status status) {
    session_.report().finished = status != repair::Status::kInterrupted;
    if (session_.report().finished) session_.remove_other_counterexamples();
    if (!session_.folder().empty()) {
      session_.save();
      write_page();
      if (session_.report().finished) memory_->discard();
    }
    return {status, session_.folder(), session_.report()};
  }

  // A run without its page is not finished.
  void write_page() {
    try {
      report::write_run_page(session_.folder(), session_.file(report::kPageName));
    } catch (const InputError&) {
      session_.report().finished = false;
      session_.save();
      throw;
    }
  }

  // Whatever can be wrong with the input is found here, before the run has a folder. Returns false if
  // interrupted.
  bool check_inputs() {
    if (!references_are_test_images(config_)) references_ = load_references(config_);
    for (const Reference& each : references_) add_file(kReferenceRole, each.name, sha256_of_file(each.file));
    const std::string& list = config_.reference_csv;
    if (!list.empty()) add_file("list of references", list, sha256_of_file(located(config_, list)));
    const bool trains = !resumed_.empty() && std::filesystem::exists(resumed_ + "/" + kTrainingState);
    if (!trains && config_.load_model && std::filesystem::exists(model_file_)) {
      model_ = load_fitting_model(model_file_, config_);
      add_file(kModelRole, model_name_, model_->digest);
    }
    if (!model_ && resumed_.empty()) prepare_training();
    const Stopwatch watch;
    auto data = load_data(
        config_, [&](std::string_view line) { session_.listener().on_activity(line); }, stop_);
    if (!data) return false;
    data_ = std::move(*data);
    for (const FileFact& file : data_.files) add_file(file.role, file.path, file.sha256);
    if (!resumed_.empty()) look_at_run_before();
    if (!model_ && !resumed_.empty()) prepare_training();
    session_.report().times.data = watch.seconds();
    return true;
  }

  // What is remembered is of the files that the run began with.
  void look_at_run_before() {
    if (!std::filesystem::exists(resumed_ + "/" + kReportFile)) return;
    const report::Run before = report::read_run(resumed_);
    compare_inputs(before, session_.report().files);
    trained_ = before.trained;
    training_library_ = before.training_library;
  }

  void prepare_training() {
    training_library_ = train::learner_version();
    make_folder_of(model_file_);
    check_network_output(model_file_);
  }

  void add_file(const std::string& role, const std::string& path, const std::string& sha256) {
    session_.report().files.push_back({role, path, sha256});
  }

  void note_inputs() {
    session_.note(printed("%s: %lld training images, %lld test images", config_.dataset.c_str(),
                          static_cast<long long>(data_.train.count()),
                          static_cast<long long>(data_.test.count())));
    if (model_) session_.note("network from " + model_name_);
  }

  // Returns false if it was interrupted.
  bool train_model() {
    const Stopwatch watch;
    FileKeeper keeper(session_.file(kTrainingState), training_key(config_, data_.files), kSecondsBetween,
                      !resumed_.empty());
    train::Options options = training_options(config_);
    options.keeper = &keeper;
    const train::Outcome trained = train::train(
        network::make_mlp(config_.dimension, config_.hidden_layers, number_of_classes(config_)), data_.train,
        options, [&](const train::Epoch& epoch) { show(epoch); }, stop_);
    session_.report().times.training = watch.seconds();
    if (trained.status == train::Status::kStopped) return false;
    if (trained.status == train::Status::kDiverged) {
      throw InputError("training", "weights", "infinity or NaN", "another seed, or fewer epochs");
    }
    save_trained(trained.network);
    session_.note(printed("trained for %lld epochs in %.1f s, accuracy %.2f %% on the test images: ",
                          static_cast<long long>(config_.epochs), watch.seconds(),
                          100 * train::accuracy(model_->network, data_.test)) +
                  model_name_);
    return true;
  }

  void show(const train::Epoch& epoch) {
    session_.listener().on_activity(training_state(epoch, config_.epochs));
  }

  // First into the run's folder, so that it is not lost if model.path cannot be written.
  void save_trained(const network::Network& network) {
    network::save_model(session_.file(std::string(kIntermediateModel) + ".pt"), network);
    save_model_file(model_file_, network);
    model_ = load_fitting_model(model_file_, config_);
    add_file(kModelRole, model_name_, model_->digest);
    trained_ = true;
  }

  repair::Status repair_until_robust() {
    const network::Network& network = model_->network;
    session_.report().network =
        NetworkFacts{network.input,        network.outputs(), network.relus(),
                     network.parameters(), trained_,          trained_ ? training_library_ : ""};
    const std::vector<Question> questions = make_questions();
    describe(questions);
    TraceRecorder trace(session_.listener());
    RoundWriter writer(session_, questions, *model_, trace);
    RepairRequest request{questions, *model_, data_, config_, session_.file(named(kRepairedModel))};
    name_certificates(request);
    request.observer = &writer;
    request.search_observer = &trace;
    request.memory = &*memory_;
    const RepairedModel result = repair_model(request, stop_);
    keep_best(request, result);
    finish(result, writer.take_traces());
    look_back(questions, result);
    writer.check();
    return looks_back_in_part_ ? repair::Status::kInterrupted : result.loop.status;
  }

  // A run that was interrupted may have left another best network, and certificates of it, or a network of
  // which the proof was never found.
  void keep_best(const RepairRequest& request, const RepairedModel& result) {
    remove_file(session_.file(named(kBestModel)));
    if (result.file) return;
    remove_file(request.file);
    if (result.loop.repairs > 0) {
      save_network_like(session_.file(named(kBestModel)), *model_, result.loop.network);
      session_.report().best_network = named(kBestModel);
    }
    for (const std::string& certificate : request.certificates) remove_file(certificate);
    certify_refutations(request, result);
  }

  // With the ending of the model's file.
  std::string named(const char* stem) const { return stem + model_ending(model_file_); }

  std::vector<Question> make_questions() {
    if (references_are_test_images(config_)) {
      references_ = first_references(config_, data_.test, model_->network);
    }
    session_.save_references(references_);
    std::vector<Question> questions;
    for (const Reference& each : references_) {
      Neighbourhood neighbourhood = neighbourhood_of(config_);
      neighbourhood.limit = each.threshold;
      questions.push_back(make_question(model_->network, each.image, each.label, neighbourhood));
    }
    return questions;
  }

  // Those who check read the reference's own file, or the one in the run's folder if it is a test image.
  void name_certificates(RepairRequest& request) {
    for (size_t i = 0; i < references_.size(); ++i) {
      const std::string name = references_.size() == 1
                                   ? kCertificate
                                   : numbered_name("proof", static_cast<int64_t>(i) + 1) + ".certificate";
      request.certificates.push_back(session_.file(name));
      const std::string& file = references_[i].file;
      request.images.push_back(file.empty() ? session_.file(session_.report().references[i].file) : file);
    }
  }

  // Of the network that was not repaired, or of the best one.
  void certify_refutations(const RepairRequest& request, const RepairedModel& result) {
    const bool changed = result.loop.repairs > 0;
    const std::string file = changed ? session_.file(named(kBestModel)) : model_file_;
    std::optional<network::LoadedModel> best;
    if (changed) best = load_fitting_model(file, config_);
    for (size_t i = 0; i < request.questions.size(); ++i) {
      const auto& verification = result.verifications[i];
      if (!verification || verification->verdict != search::Verdict::kNotRobust) continue;
      const auto why_not = certify_refutation(request.questions[i], changed ? *best : *model_, file,
                                              request.images[i], *verification, request.certificates[i]);
      const std::string name = std::filesystem::path(request.certificates[i]).filename().string();
      session_.note(why_not ? "no certificate: " + *why_not
                            : name + ": of the counterexample to " +
                                  (changed ? named(kBestModel) : model_name_) + ", for verissim-check");
    }
  }

  void describe(std::span<const Question> questions) {
    const network::Network& network = model_->network;
    for (size_t i = 0; i < questions.size(); ++i) {
      ReferenceFacts& facts = session_.report().references[i];
      facts.scores = scores_at(network, questions[i].reference);
      const int64_t predicted = predicted_class(network, questions[i].reference);
      if (predicted == questions[i].label) continue;
      session_.note(printed("the network gives %s class %lld, not %lld",
                            questions.size() == 1 ? "the reference image" : facts.name.c_str(),
                            static_cast<long long>(predicted), static_cast<long long>(questions[i].label)));
    }
  }

  // What the network kept says of the images met on the way, and what it cost to get there.
  void look_back(std::span<const Question> questions, const RepairedModel& result) {
    Report& report = session_.report();
    for (size_t i = 0; i < questions.size(); ++i) {
      report.references[i].scores_after = scores_at(result.network, questions[i].reference);
      report.references[i].after = result.verifications[i];
    }
    for (Round& round : report.rounds) {
      for (CounterexampleFiles& files : round.counterexamples) {
        const Question& question = questions[static_cast<size_t>(files.reference)];
        files.margin_after = margin_at(question, result.network, files.found.values);
      }
    }
    if (result.loop.repairs > 0) look_at_cost(result);
  }

  void look_at_cost(const RepairedModel& result) {
    Cost cost = measure_cost(model_->network, result.network, data_.test);
    std::vector<int64_t> seen;
    std::vector<int64_t> classes;
    for (const Reference& each : references_) {
      seen.push_back(each.test_index);
      classes.push_back(each.label);
    }
    const double seconds = config_.timeout > 0 ? config_.timeout : kSecondsUnseen;
    const auto measure = [&](bool of_these_classes) {
      return measure_unseen(model_->network, result.network, data_.test, seen, classes, of_these_classes,
                            config_.repair_unseen, config_, seconds, stop_);
    };
    if (config_.repair_unseen > 0)
      session_.listener().on_activity("verifying images that no repair has seen");
    cost.same_classes = measure(true);
    cost.other_classes = measure(false);
    looks_back_in_part_ = config_.repair_unseen > 0 && stop_.interrupted() &&
                          result.loop.status != repair::Status::kInterrupted;
    if (looks_back_in_part_) session_.note("interrupted, but for that the run is done");
    session_.report().cost = std::move(cost);
  }

  void finish(const RepairedModel& result, std::vector<Trace> traces) {
    Report& report = session_.report();
    report.final_file = result.file;
    if (result.file) {
      for (size_t i = 0; i < traces.size(); ++i) report.final_file->proofs[i].trace = std::move(traces[i]);
      session_.listener().on_final(*result.verifications[repair::weakest(result.verifications)]);
    }
    report.verdict = result.verdict;
    report.reason = result.reason;
    report.margin_bound = result.margin_bound;
    report.accuracy = result.accuracy;
    report.repaired = result.verdict == search::Verdict::kRobust && result.loop.repairs > 0;
    report.method = result.loop.method;
    report.candidates = result.loop.candidates;
    if (result.file) {
      note_file(result);
    } else {
      session_.note(std::string(search::to_string(result.verdict)) + ": " + result.reason);
    }
  }

  void note_file(const RepairedModel& result) {
    session_.note(printed("%s read back and verified again: %s", result.file->name.c_str(),
                          search::to_string(result.verdict)));
    for (const Proof& proof : result.file->proofs) {
      session_.note(proof.certificate.empty() ? "no certificate: " + proof.no_certificate
                                              : proof.certificate + ": for verissim-check");
    }
  }

  Session session_;
  const Config& config_;
  StopToken stop_;
  std::string resumed_;  // the folder of the run that is gone on with; "" if it is a new one
  std::string model_name_ = model_file_of(config_);  // as the config calls it
  std::string model_file_ = located(config_, model_name_);
  std::vector<Reference> references_;
  Data data_;
  std::optional<network::LoadedModel> model_;
  std::optional<SearchMemory> memory_;
  bool trained_ = false;
  bool looks_back_in_part_ = false;  // interrupted when all but that was done
  std::string training_library_;
};

}  // namespace

Outcome run_experiment(const Config& config, const std::vector<std::string>& command,
                       const InterruptFlag* interrupt, Listener& listener) {
  return Experiment(config, command, interrupt, listener).run();
}

Outcome resume_experiment(const std::string& folder, const std::vector<std::string>& command,
                          const InterruptFlag* interrupt, Listener& listener) {
  const RunFolder run = RunFolder::open(folder);
  Config config = read_config(run.file(kSettingsFile));
  config.base = run.base();
  return Experiment(config, command, interrupt, listener, run.path()).run();
}

}  // namespace verissim::experiment
