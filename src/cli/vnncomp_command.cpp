#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/decimal.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "experiment/engine_options.h"
#include "experiment/output_file.h"
#include "network/model_file.h"
#include "property/vnnlib.h"
#include "search/decide.h"

namespace verissim::cli {
namespace {

constexpr double kGrace = 0.3;  // seconds that a search gets to end by itself

int exit_code(search::Answer answer) {
  if (answer == search::Answer::kSat) return kNotRobust;
  return answer == search::Answer::kUnsat ? kRobust : kNoVerdict;
}

// The counterexample as the competition writes it: ((X_0 0.5) ... (Y_0 1.25) ...).
std::string written(const search::Witness& witness) {
  std::string text;
  const auto add = [&](const char* name, const std::vector<double>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      text += (text.empty() ? "((" : "\n (") + (name + std::to_string(i)) + " " +
              shortest_decimal(values[i]) + ")";
    }
  };
  add("X_", witness.inputs);
  add("Y_", witness.outputs);
  return text + ")\n";
}

// Gives the answer, once: to a file if one was asked for, and to standard output.
class Answerer {
 public:
  explicit Answerer(std::string file) : file_(std::move(file)) {}

  // False if an answer was given before.
  bool give(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (given_) return false;
    given_ = true;
    if (!file_.empty()) write_text_file(file_, text);
    print(text);
    return true;
  }

 private:
  std::string file_;
  std::mutex mutex_;
  bool given_ = false;
};

// Ends the process with the answer 'timeout' if nobody says in time that it is not needed any more: a step of
// the search may take long on a large network.
class Watchdog {
 public:
  Watchdog(double seconds, Answerer& answerer) : answerer_(answerer) {
    if (seconds > 0.0) thread_ = std::thread([this, seconds] { watch(seconds); });
  }
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch(double seconds) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return done_; })) return;
    try {
      if (!answerer_.give("timeout\n")) return;
    } catch (const InputError&) {
      ::_exit(kBadInput);  // the answer's file cannot be written any more, and the search goes on
    }
    ::_exit(kNoVerdict);
  }

  Answerer& answerer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

search::Decision decide(const Arguments& arguments, const StopToken& stop) {
  const network::LoadedModel model = network::load_model(arguments.model);
  const property::Query query = property::read_vnnlib(arguments.property);
  search::Options options = experiment::search_options(arguments.settings);
  options.timeout_seconds = 0.0;  // the token knows, and counts from the start
  return search::decide(model.network, query, options, stop);
}

}  // namespace

int vnncomp_command(const Arguments& arguments, Context& context) {
  if (!arguments.out.empty()) experiment::check_output_file(arguments.out);
  Answerer answerer(arguments.out);
  const double limit = arguments.settings.timeout;
  const StopToken stop(limit, &context.interrupt);
  const Watchdog watchdog(limit > 0.0 ? limit + kGrace : 0.0, answerer);
  search::Decision decision;
  try {
    decision = decide(arguments, stop);
  } catch (...) {
    answerer.give("error\n");
    throw;
  }
  std::string text = std::string(search::to_string(decision.answer)) + "\n";
  if (decision.witness) text += written(*decision.witness);
  answerer.give(text);
  if (!decision.reason.empty()) context.terminal.note(decision.reason);
  context.terminal.note(format_count(decision.nodes, "subproblem"));
  return exit_code(decision.answer);
}

}  // namespace verissim::cli
