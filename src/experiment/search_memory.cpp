#include "experiment/search_memory.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/state.h"
#include "experiment/state_key.h"

namespace verissim::experiment {
namespace {

constexpr const char* kState = ".search";
constexpr size_t kDigits = 20;  // of file names

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

SearchMemory::SearchMemory(std::string folder, const Config& config, Limits limits)
    : folder_(std::move(folder)), config_(config), limits_(limits) {
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
  const std::string state_file = folder_ + "/" + name + kState;
  if (!known.begin_with().empty()) {
    std::error_code ignored;
    std::filesystem::remove(state_file, ignored);  // a kill may have come between the two
    return read_result({known.begin_with(), known.place()});
  }
  limit_states_beside(state_file);
  FileKeeper state(state_file, key, limits_.seconds_between, true);
  options.keeper = &state;
  search::Result result = search::verify(problem, options, stop, observer);
  // An attack that was cut short may have found fewer counterexamples.
  if (stop.interrupted()) return result;
  if (result.verdict == search::Verdict::kUnknown) return result;  // the state is kept
  if (result.statistics.seconds >= limits_.seconds_to_remember) known.keep(bytes_of(result));
  if (known.failure().empty()) state.discard();
  return result;
}

// The oldest go first: their networks are the least likely to be asked about again.
void SearchMemory::limit_states_beside(const std::string& state_file) const {
  struct Kept {
    std::filesystem::file_time_type written;
    uint64_t bytes;
    std::filesystem::path path;
  };
  std::error_code error;
  std::vector<Kept> states;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != kState || entry->path() == state_file) continue;
    std::error_code unknown;
    states.push_back({entry->last_write_time(unknown), entry->file_size(unknown), entry->path()});
    if (unknown) states.pop_back();
  }
  std::sort(states.begin(), states.end(), [](const Kept& a, const Kept& b) { return a.written > b.written; });
  uint64_t bytes = 0;
  for (const Kept& state : states) {
    bytes += state.bytes;
    if (bytes > limits_.most_bytes) std::filesystem::remove(state.path, error);
  }
}

void SearchMemory::discard() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace verissim::experiment
