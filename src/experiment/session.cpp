#include "experiment/session.h"

#include <array>
#include <filesystem>

#include "base/file.h"
#include "base/version.h"
#include "image/npy.h"
#include "image/write_image.h"
#include "report/page.h"

namespace verissim::experiment {
namespace {

constexpr const char* kTensorboardFile = "events.out.tfevents.0000000000.verissim";

}  // namespace

Session::Session(const Config& config, const std::vector<std::string>& command, Listener& listener)
    : listener_(listener) {
  report_.command = command;
  report_.started = utc_time();
  report_.config = config;
}

void Session::open(const std::string& resumed) {
  folder_.emplace(resumed.empty() ? RunFolder::create(config().path, run_folder_stem(config()))
                                  : RunFolder::open(resumed));
  listener_.on_folder(folder_->path());
  log_.emplace(file("exp_logfile.txt"));
  if (!resumed.empty()) remove_remains();
  note(std::string("verissim ") + kVersion + (resumed.empty() ? ": results go to " : ": goes on with ") +
       folder_->path());
  keep_base();
  // With this file the folder is a run's, and can be gone on with.
  write_text_file(file(kSettingsFile), print_config(config()));
  if (config().tensorboard) tensorboard_.emplace(file(kTensorboardFile));
  save();
}

void Session::keep_base() const {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error);
  folder_->keep_base(config().base.empty() ? here : config().base);
}

void Session::remove_remains() {
  folder_->remove_parts();
  // A page beside a report that says 'finished' means that all is done.
  remove_file(file(report::kPageName));
  // Every round is told again.
  remove_file(file(kTensorboardFile));
}

void Session::save_references(std::span<const Reference> references) {
  for (size_t i = 0; i < references.size(); ++i) {
    const Reference& each = references[i];
    const std::string stem =
        references.size() == 1 ? "reference" : numbered_name("reference", static_cast<int64_t>(i) + 1);
    const Shape& shape = each.image.shape;
    image::write_png(file(stem + ".png"), each.image);
    image::write_npy(file(stem + ".npy"),
                     std::vector<double>(each.image.values.begin(), each.image.values.end()),
                     std::array{shape.channels, shape.height, shape.width});
    report_.references.push_back({each.name, stem + ".png", each.test_index, each.label, each.threshold});
    if (tensorboard_) tensorboard_->picture(stem, 0, each.image);
  }
  save();
}

void Session::note(std::string_view line) {
  listener_.on_note(line);
  log(line);
}

void Session::log(std::string_view line) {
  if (log_) log_->write(line);
}

void Session::save() {
  report_.times.total = watch_.seconds();
  write_text_file(file(kReportFile), report_json(report_));
  write_text_file(file("evaluation.json"), evaluation_json(report_));
}

namespace {

std::string counterexample_name(int64_t number) { return "generated_" + std::to_string(number); }

}  // namespace

void Session::remove_other_counterexamples() {
  if (!folder_) return;
  for (int64_t number = counterexamples_ + 1;; ++number) {
    const std::string stem = file(counterexample_name(number));
    const bool npy = remove_file(stem + ".npy");
    const bool png = remove_file(stem + ".png");
    if (!npy && !png) return;
  }
}

CounterexampleFiles Session::save_counterexample(const Counterexample& counterexample, const Shape& shape) {
  const std::string stem = counterexample_name(++counterexamples_);
  CounterexampleFiles result;
  result.found = counterexample;
  result.png = stem + ".png";
  result.npy = stem + ".npy";
  image::write_npy(file(result.npy), counterexample.values,
                   std::array{shape.channels, shape.height, shape.width});
  image::write_png(file(result.png), counterexample.rounded);
  return result;
}

}  // namespace verissim::experiment
