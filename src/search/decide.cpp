#include "search/decide.h"

#include <algorithm>
#include <cmath>

#include "attack/descent.h"
#include "base/error.h"
#include "base/rounding.h"
#include "region/box.h"
#include "search/reduce.h"

namespace verissim::search {
namespace {

using property::Case;

constexpr int kPolishingSteps = 30;
// A witness whose constraints hold by less than this, relative to the outputs, is moved to where they hold
// more clearly, so that programs that round agree.
constexpr double kClear = 1e-3;

// SOUND: doubles that enclose the exact ranges.
std::unique_ptr<region::Region> enclosing_box(const std::vector<property::Side>& box) {
  std::vector<double> lower, upper;
  for (const property::Side& side : box) {
    const double lo = nearest_double(side.lower);
    const double hi = nearest_double(side.upper);
    if (!std::isfinite(lo) || !std::isfinite(hi)) throw InputError("", "input", "a huge bound", "a double");
    lower.push_back(mpq_class(lo) > side.lower ? next_down(lo) : lo);
    upper.push_back(mpq_class(hi) < side.upper ? next_up(hi) : hi);
  }
  return region::make_box(std::move(lower), std::move(upper));
}

bool any_point_will_do(const Case& question) {
  return std::any_of(question.any_of.begin(), question.any_of.end(), [](const auto& c) { return c.empty(); });
}

bool is_clear(const Witness& witness) {
  double size = 0.0;
  for (const double value : witness.outputs) size = std::max(size, std::abs(value));
  return witness.margin < -kClear * size;
}

// The witness, or one of the same conjunction whose constraints hold more clearly.
Witness polish(const network::Network& network, const Case& question, const WitnessBox& box,
               const Reduction& reduction, Witness witness) {
  if (is_clear(witness)) return witness;
  const region::Box region(witness.inputs, box.sides());
  const bounds::Graph graph(reduction.network);
  attack::Descent descent(graph, region, reduction.property);
  attack::Swarm swarm;
  swarm.goals = {static_cast<int>(witness.conjunction)};
  swarm.points.assign(witness.inputs.begin(), witness.inputs.end());
  descent.run(swarm, kPolishingSteps);
  const std::vector<double> x(swarm.points.begin(), swarm.points.end());
  auto better = confirm(network, question, box, box.pull_in(x));
  return better && better->margin < witness.margin ? std::move(*better) : std::move(witness);
}

class Decider {
 public:
  Decider(const network::Network& network, const Options& options, const StopToken& stop)
      : network_(network), options_(options), stop_(stop.within(options.timeout_seconds)) {
    options_.timeout_seconds = 0.0;  // in stop_
  }

  Decision run(const property::Query& query) {
    decision_.answer = Answer::kUnsat;
    for (const Case& question : query.cases) {
      if (stop_.stop_requested()) {
        give_up(stop_.timed_out() ? Reason::kTimeLimit : Reason::kInterrupted);
      } else {
        decide(question);
      }
      if (decision_.answer == Answer::kSat || decision_.answer == Answer::kTimeout) break;
    }
    return std::move(decision_);
  }

 private:
  void decide(const Case& question) {
    const auto region = enclosing_box(question.box);
    if (any_point_will_do(question)) {
      const WitnessBox box(question.box);
      say_sat(confirm(network_, question, box, box.pull_in(region->reference())));
      return;
    }
    const Reduction reduction = reduce(network_, question);
    const Result result = verify({reduction.network, *region, reduction.property}, options_, stop_, nullptr);
    decision_.nodes += result.statistics.nodes;
    if (result.verdict == Verdict::kUnknown) give_up(result.reason);
    if (result.verdict != Verdict::kNotRobust) return;
    // SOUND: what violates the goals may lie beside the exact box, or violate by rounding only: it counts
    // once it is confirmed on the query itself.
    const WitnessBox box(question.box);
    auto witness = confirm(network_, question, box, box.pull_in(result.counterexamples.front().values));
    if (witness) witness = polish(network_, question, box, reduction, std::move(*witness));
    say_sat(std::move(witness));
  }

  void say_sat(std::optional<Witness> witness) {
    if (!witness) {
      unknown(Answer::kUnknown, "a point was found that rounding moves out of the constraints");
      return;
    }
    decision_.answer = Answer::kSat;
    decision_.witness = std::move(witness);
    decision_.reason.clear();
  }

  void give_up(Reason reason) {
    unknown(reason == Reason::kTimeLimit ? Answer::kTimeout : Answer::kUnknown, to_string(reason));
  }
  void unknown(Answer answer, const std::string& reason) {
    decision_.answer = answer;
    decision_.reason = reason;
  }

  const network::Network& network_;
  Options options_;
  StopToken stop_;
  Decision decision_;
};

void check_size(const char* what, int64_t declared, int64_t own) {
  if (declared == own) return;
  throw InputError("", "property", std::to_string(declared) + " " + what,
                   std::to_string(own) + ", as the network has");
}

}  // namespace

const char* to_string(Answer answer) {
  switch (answer) {
    case Answer::kSat:
      return "sat";
    case Answer::kUnsat:
      return "unsat";
    case Answer::kTimeout:
      return "timeout";
    case Answer::kUnknown:
      return "unknown";
  }
  VERISSIM_CHECK(false);
}

Decision decide(const network::Network& network, const property::Query& query, const Options& options,
                const StopToken& stop) {
  check_size("inputs", query.inputs, network.inputs());
  check_size("outputs", query.outputs, network.outputs());
  return Decider(network, options, stop).run(query);
}

}  // namespace verissim::search
