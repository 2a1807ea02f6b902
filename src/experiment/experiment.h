// A whole experiment: load or train the network, verify it, repair it and verify again until it is robust.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/stop.h"
#include "experiment/config.h"
#include "experiment/report.h"
#include "repair/repair.h"
#include "search/verify.h"

namespace verissim::experiment {

// Told what goes on, from the thread that called run_experiment(); must not throw.
class Listener : public search::Observer {
 public:
  // Something that happened; the same lines go into the run's log.
  virtual void on_note(std::string_view) {}
  // The run has a folder now.
  virtual void on_folder(const std::string&) {}
  // A round's verification, with the files of its counterexamples; then its repair.
  virtual void on_verified(const Round&) {}
  virtual void on_repaired(const Round&) {}
  // The verification of the network's file after it was read back.
  virtual void on_final(const search::Result&) {}
  // The state of something that takes long (a download, training, repair); replaces the last one.
  virtual void on_activity(std::string_view) {}
};

struct Outcome {
  repair::Status status = repair::Status::kUnknown;
  std::string folder;  // of the run; "" if it was interrupted before there was one
  Report report;       // as written to report.json
};

// Throws InputError if the config does not fit the files that it names, or LibTorch is missing where a
// network must be trained, before the run has a folder; later only if files cannot be written or repair lacks
// LibTorch.
//
// The run's folder: params.json, exp_logfile.txt, reference.png and .npy, generated_<k>.png and .npy for the
// counterexamples, intermediate_model.pt (the network after the last repair), repaired_model.pt (if robust:
// it was read back and verified), best_model.pt (if not: of the networks verified, the one that came
// closest), proof.certificate (of repaired_model.pt, or of a counterexample to best_model.pt or the network
// that was not repaired, where certificates know such a question; of several references proof_001.certificate
// and so on, beside reference_001.png), evaluation.json, report.json, each written whole after each step, and
// report.html, written at the end.
//
// While it runs the folder "states" keeps what a run needs to go on after an interruption: of the training
// the last epoch, of verifications the results and the states of those that are still open.
Outcome run_experiment(const Config& config, const std::vector<std::string>& command,
                       const InterruptFlag* interrupt, Listener& listener);

// Goes on with the run of this folder, whose settings are its own. It ends as it would have without the
// interruption, but for what depends on time limits. Relative paths in the settings count from where the run
// was started or, if that folder is no more, from the current one. Throws InputError, too, if there is no
// such run, it is finished, or at work, or the files that it was given are others now.
Outcome resume_experiment(const std::string& folder, const std::vector<std::string>& command,
                          const InterruptFlag* interrupt, Listener& listener);

}  // namespace verissim::experiment
