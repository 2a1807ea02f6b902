#include "experiment/session.h"

#include <array>

#include "base/file.h"
#include "base/version.h"
#include "image/npy.h"
#include "image/write_image.h"

namespace verissim::experiment {

Session::Session(const Config& config, const std::vector<std::string>& command, Listener& listener)
    : listener_(listener) {
  report_.command = command;
  report_.started = utc_time();
  report_.config = config;
}

void Session::open(const image::Image& reference, const std::string& resumed) {
  folder_.emplace(resumed.empty() ? RunFolder::create(config().path, run_folder_stem(config()))
                                  : RunFolder::open(resumed));
  listener_.on_folder(folder_->path());
  log_.emplace(file("exp_logfile.txt"));
  if (!resumed.empty()) folder_->remove_parts();
  note(std::string("verissim ") + kVersion + (resumed.empty() ? ": results go to " : ": goes on with ") +
       folder_->path());
  write_text_file(file(kSettingsFile), print_config(config()));
  image::write_png(file("reference.png"), reference);
  image::write_npy(file("reference.npy"),
                   std::vector<double>(reference.values.begin(), reference.values.end()),
                   std::array{reference.shape.channels, reference.shape.height, reference.shape.width});
  if (config().tensorboard) {
    tensorboard_.emplace(file("events.out.tfevents.0000000000.verissim"));
    tensorboard_->picture("reference", 0, reference);
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

CounterexampleFiles Session::save_counterexample(const Counterexample& counterexample, const Shape& shape) {
  const std::string stem = "generated_" + std::to_string(++counterexamples_);
  CounterexampleFiles result{counterexample, stem + ".png", stem + ".npy"};
  image::write_npy(file(result.npy), counterexample.values,
                   std::array{shape.channels, shape.height, shape.width});
  image::write_png(file(result.png), counterexample.rounded);
  return result;
}

}  // namespace verissim::experiment
