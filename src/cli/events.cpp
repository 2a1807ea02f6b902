#include "cli/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/version.h"
#include "experiment/config_keys.h"
#include "experiment/run_folder.h"

namespace verissim::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr double kProgressEvery = 0.1;
constexpr double kActivityEvery = 1.0;

json finite(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json limit(const std::optional<search::Limit>& value) {
  return value ? json(value->value.text()) : json(nullptr);
}

// "--model,-m" -> "model", "FOLDER" as it is
std::string plain_name(std::string_view names) {
  const std::string_view first = names.substr(0, names.find(','));
  return std::string(first.substr(first.starts_with("--") ? 2 : 0));
}

json value_of(const Option& option, const Arguments& arguments) {
  if (const auto* name = std::get_if<std::string_view>(&option.target)) {
    return json::parse(experiment::value_as_json(experiment::config_key(*name), arguments.settings));
  }
  return std::visit([&](auto member) { return json(arguments.*member); }, std::get<OwnMember>(option.target));
}

json settings_of(const Command& command, const Arguments& arguments) {
  json settings = json::object();
  for (const Option& option : command.options) {
    settings[plain_name(option.names)] = value_of(option, arguments);
  }
  return settings;
}

json start_fields(const Command& command, json settings) {
  return {{"command", command.word},
          {"version", kVersion},
          {"compiler", kCompiler},
          {"build_type", kBuildType},
          {"settings", std::move(settings)}};
}

}  // namespace

EventFile::~EventFile() {
  if (fd_ >= 0) ::close(fd_);
}

void EventFile::open(const std::string& file) {
  fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw InputError(file, "cannot be written", std::strerror(errno), "");
}

void EventFile::write(const char* event, const json& fields) {
  if (fd_ < 0) return;
  json line = {{"event", event}, {"time", experiment::utc_time()}, {"seconds", watch_.seconds()}};
  line.update(fields);
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (::write(fd_, text.data(), text.size()) < 0) return;
}

void EventFile::started(const Command& command, const Arguments& arguments) {
  if (fd_ >= 0) write("started", start_fields(command, settings_of(command, arguments)));
}

void EventFile::started_run(const Command& command, const experiment::Config& config) {
  if (fd_ >= 0) write("started", start_fields(command, json::parse(experiment::print_config(config))));
}

void EventFile::folder(const std::string& folder) { write("folder", {{"folder", folder}}); }

void EventFile::note(std::string_view text) { write("note", {{"text", text}}); }

void EventFile::activity(std::string_view text) {
  if (fd_ < 0 || (last_activity_ >= 0 && watch_.seconds() < last_activity_ + kActivityEvery)) return;
  last_activity_ = watch_.seconds();
  write("activity", {{"text", text}});
}

void EventFile::progress(const search::Progress& progress) {
  if (fd_ < 0) return;
  const bool another_search = progress.seconds < search_seconds_;
  search_seconds_ = progress.seconds;
  if (another_search || phase_ != progress.phase) {
    phase_ = progress.phase;
    last_progress_ = -1.0;
    write("phase", {{"phase", phase_}});
  }
  if (last_progress_ >= 0 && watch_.seconds() < last_progress_ + kProgressEvery) return;
  last_progress_ = watch_.seconds();
  write("progress", {{"phase", phase_},
                     {"search_seconds", progress.seconds},
                     {"nodes", progress.nodes},
                     {"open", progress.open},
                     {"bound", finite(progress.lower_bound)},
                     {"upper", finite(progress.upper_bound)}});
}

void EventFile::question(const search::Bracket& bracket, const search::Limit& asked) {
  write("question", {{"asked", asked.value.text()},
                     {"proved_at", limit(bracket.proved)},
                     {"refuted_at", limit(bracket.refuted)}});
}

void EventFile::bracket(const search::ThresholdResult& found) {
  write("bracket", {{"proved_at", limit(found.bracket.proved)},
                    {"refuted_at", limit(found.bracket.refuted)},
                    {"reason", search::to_string(found.end)},
                    {"questions", found.questions},
                    {"nodes", found.nodes}});
}

void EventFile::counterexample(const experiment::Counterexample& found, std::optional<int64_t> round,
                               const std::string& file) {
  write("counterexample", {{"round", round ? json(*round) : json(nullptr)},
                           {"class", found.rival},
                           {"margin", finite(found.margin)},
                           {"ssim", finite(found.ssim)},
                           {"distance", finite(found.distance)},
                           {"max_deviation", finite(found.max_deviation)},
                           {"rounded_is_counterexample", found.rounded_is_counterexample},
                           {"file", file.empty() ? json(nullptr) : json(file)}});
}

void EventFile::verdict(const search::Result& result, std::optional<int64_t> round) {
  phase_.clear();  // the next search begins with a phase, whichever it is
  write("verdict", {{"round", round ? json(*round) : json(nullptr)},
                    {"verdict", search::to_string(result.verdict)},
                    {"reason", search::to_string(result.reason)},
                    {"margin_bound", finite(result.margin_bound)},
                    {"margin_seen", finite(result.margin_seen)},
                    {"counterexamples", result.counterexamples.size()},
                    {"nodes", result.statistics.nodes},
                    {"search_seconds", result.statistics.seconds}});
}

void EventFile::repaired(const repair::Round& round) {
  write("repaired", {{"round", round.number},
                     {"counterexamples_added", round.points_added},
                     {"counterexamples", round.points},
                     {"counterexamples_left", round.points_wrong},
                     {"method", round.method},
                     {"margin_wanted", *std::max_element(round.margins.begin(), round.margins.end())},
                     {"epochs", round.epochs},
                     {"repair_seconds", round.seconds},
                     {"accuracy_before", finite(round.accuracy_before)},
                     {"accuracy_after", finite(round.accuracy_after)}});
}

void EventFile::finished(int exit_code) { write("finished", {{"exit_code", exit_code}}); }

void EventFile::failed(std::string_view message) { write("failed", {{"message", message}}); }

}  // namespace verissim::cli
