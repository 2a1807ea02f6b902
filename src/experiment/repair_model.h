// Repair of one model file for one question or several: the loop, the file of the result, and its
// verification.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "experiment/config.h"
#include "experiment/data.h"
#include "experiment/question.h"
#include "experiment/report.h"
#include "network/model_file.h"
#include "repair/repair.h"

namespace verissim::experiment {

struct RepairRequest {
  // One for each reference, all about the model's network.
  std::span<const Question> questions;
  const network::LoadedModel& model;
  const Data& data;
  const Config& config;
  std::string file;  // where a robust network goes
  // For each question where its certificate goes, and the file of its reference image, which those who check
  // it read. Empty: no certificates.
  std::vector<std::string> certificates = {};
  std::vector<std::string> images = {};
  repair::Observer* observer = nullptr;         // may be null
  search::Observer* search_observer = nullptr;  // may be null
};

struct RepairedModel {
  repair::Outcome loop;
  std::optional<FinalFile> file;  // if the loop ended with a robust network
  // For each question, of what was read back, or of the loop's last network; nothing where nothing is known.
  repair::Verifications verifications;
  search::Verdict verdict = search::Verdict::kUnknown;  // of all together
  std::string reason;                                   // for people, one clause
  std::optional<double> margin_bound;                   // the smallest
  double accuracy = 0.0;     // on the test samples, of what was read back, or of loop.network
  network::Network network;  // that
};

// Verifies the model's network, repairs it and verifies it again as repair::repair does. A robust network
// (also one that was robust from the start) is written as a file like the model's, read back and
// verified once more: those verifications' verdicts are the result, and their proofs go to the certificates
// (as far as certificates know such questions). Throws as repair::repair does, and InputError if a file
// cannot be written.
RepairedModel repair_model(const RepairRequest& request, const StopToken& stop);

}  // namespace verissim::experiment
