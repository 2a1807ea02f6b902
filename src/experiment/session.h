// One run's folder, log and report, kept together and up to date on the disk.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/stop.h"
#include "experiment/experiment.h"
#include "experiment/references.h"
#include "experiment/report.h"
#include "experiment/run_folder.h"
#include "experiment/tensorboard.h"

namespace verissim::experiment {

class Session {
 public:
  Session(const Config& config, const std::vector<std::string>& command, Listener& listener);

  // Makes the run's folder and the first files in it, or goes on in the folder of an interrupted run. Notes
  // before go to the listener only.
  void open(const std::string& resumed = "");
  // Writes the references' images, reference.png and .npy or, of several, reference_001.png and so on.
  void save_references(std::span<const Reference> references);

  const Config& config() const { return report_.config; }
  Listener& listener() const { return listener_; }
  Report& report() { return report_; }
  // Empty before open().
  std::string folder() const { return folder_ ? folder_->path() : ""; }
  std::string file(std::string_view name) const { return folder_->file(name); }

  // For the listener and the log, or for the log alone.
  void note(std::string_view line);
  void log(std::string_view line);
  // Writes report.json and evaluation.json anew.
  void save();
  // Tells TensorBoard's file, if there is one.
  TensorboardFile* tensorboard() { return tensorboard_ ? &*tensorboard_ : nullptr; }
  // The next counterexample's files, generated_<k>.png and .npy.
  CounterexampleFiles save_counterexample(const Counterexample& counterexample, const Shape& shape);
  // Those that an interrupted run has left and that were not saved again.
  void remove_other_counterexamples();

 private:
  void keep_base() const;
  // Of an interrupted run, what would be mistaken for that of the one that goes on.
  void remove_remains();

  Listener& listener_;
  Report report_;
  Stopwatch watch_;
  std::optional<RunFolder> folder_;
  std::optional<RunLog> log_;
  std::optional<TensorboardFile> tensorboard_;
  int64_t counterexamples_ = 0;
};

}  // namespace verissim::experiment
