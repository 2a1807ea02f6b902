#include "experiment/search_memory.h"

#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "base/state.h"
#include "experiment/state_key.h"

namespace verissim::experiment {
namespace {

constexpr double kSecondsBetween = 60.0;     // two states of a search
constexpr double kSecondsToRemember = 0.25;  // a quicker search is quickly done again
constexpr const char* kState = ".search";
constexpr size_t kDigits = 20;  // of file names

// Stands for the network: its weights, and how programs in float32 compute them.
std::string digest_of(const network::Network& network) {
  StateWriter state;
  state.number(static_cast<int32_t>(network.arithmetic));
  const auto add = [&](const auto* layer) {
    if (layer == nullptr) return;
    state.list(layer->weight);
    state.list(layer->bias);
  };
  for (const network::Node& node : network.nodes) {
    state.number(static_cast<uint64_t>(node.op.index()));
    state.number(node.size);
    state.list(node.inputs);
    const auto& [operations, gain, peak_scale, peak_offset, bias] = node.rounding;
    state.number(operations);
    for (const double number : {gain, peak_scale, peak_offset}) state.number(number);
    state.list(bias);
    add(std::get_if<network::Dense>(&node.op));
    add(std::get_if<network::Conv2d>(&node.op));
  }
  return sha256(state.take());
}

// Of the region and the goals: the reference and the class that must win. The rest is in the config.
std::string question_of(const search::Problem& problem) {
  StateWriter state;
  for (const double value : problem.region.reference()) state.number(value);
  for (const property::Goal& goal : problem.property.goals) {
    state.list(goal.coefficients);
    state.number(goal.offset);
  }
  return sha256(state.take());
}

// Written and read member by member; the bindings name all there are.
template <typename Numbers, typename Statistics>
void each_number(Statistics& statistics, Numbers use) {
  auto& [nodes, leaves, failed, relus, stable, attack, root, search, seconds] = statistics;
  use(nodes), use(leaves), use(failed), use(relus), use(stable), use(attack), use(root), use(search),
      use(seconds);
}

std::vector<std::byte> bytes_of(const search::Result& result) {
  StateWriter state;
  const auto& [verdict, reason, bound, open_bound, seen, counterexamples, statistics] = result;
  state.number(static_cast<int32_t>(verdict));
  state.number(static_cast<int32_t>(reason));
  state.number(bound);
  state.number(open_bound);
  state.number(seen);
  state.number(static_cast<uint64_t>(counterexamples.size()));
  for (const auto& [values, rival, margin] : counterexamples) {
    state.list(values);
    state.number(rival);
    state.number(margin);
  }
  each_number(statistics, [&](const auto& value) { state.number(value); });
  return state.take();
}

search::Result read_result(StateReader state) {
  search::Result result;
  auto& [verdict, reason, bound, open_bound, seen, counterexamples, statistics] = result;
  verdict = static_cast<search::Verdict>(state.number<int32_t>());
  reason = static_cast<search::Reason>(state.number<int32_t>());
  state.number(bound);
  state.number(open_bound);
  state.number(seen);
  counterexamples.resize(state.count());
  for (auto& [values, rival, margin] : counterexamples) {
    state.list(values);
    state.number(rival);
    state.number(margin);
  }
  each_number(statistics, [&](auto& value) { state.number(value); });
  state.expect_end();
  return result;
}

}  // namespace

SearchMemory::SearchMemory(std::string folder, const Config& config)
    : folder_(std::move(folder)), config_(config) {
  if (folder_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw InputError(folder_, "folder cannot be made", error.message(), "");
}

search::Result SearchMemory::verify(const search::Problem& problem, const std::string& limit,
                                    search::Options options, const StopToken& stop,
                                    search::Observer* observer) {
  if (folder_.empty()) return search::verify(problem, options, stop, observer);
  const std::string key = search_key(config_, limit + " " + question_of(problem), digest_of(problem.network));
  const std::string name = sha256(std::as_bytes(std::span(key))).substr(0, kDigits);
  FileKeeper known(folder_ + "/" + name + ".result", "result " + key, 0.0, true);
  if (!known.begin_with().empty()) return read_result({known.begin_with(), known.place()});
  discard_states_but(name + kState);
  FileKeeper state(folder_ + "/" + name + kState, key, kSecondsBetween, true);
  options.keeper = &state;
  search::Result result = search::verify(problem, options, stop, observer);
  // An attack that was cut short may have found fewer counterexamples.
  if (stop.interrupted()) return result;
  if (result.verdict == search::Verdict::kUnknown) return result;  // the state is kept
  if (result.statistics.seconds >= kSecondsToRemember) known.keep(bytes_of(result));
  if (known.failure().empty()) state.discard();
  return result;
}

// States may be large, and the loop comes back to a network hardly ever.
void SearchMemory::discard_states_but(const std::string& name) const {
  std::error_code error;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == kState && entry->path().filename() != name) old.push_back(entry->path());
  }
  for (const auto& path : old) std::filesystem::remove(path, error);
}

void SearchMemory::discard() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace verissim::experiment
