// Repair of one model file for one question: the loop, the file of the result, and its verification.
#pragma once

#include <optional>
#include <string>

#include "base/stop.h"
#include "experiment/config.h"
#include "experiment/data.h"
#include "experiment/question.h"
#include "experiment/report.h"
#include "experiment/search_memory.h"
#include "network/model_layout.h"
#include "repair/repair.h"

namespace verissim::experiment {

struct RepairedModel {
  repair::Outcome loop;
  std::optional<FinalFile> file;  // if the loop ended with a robust network
  search::Verdict verdict =
      search::Verdict::kUnknown;  // of what was read back, or of the loop's last network
  std::string reason;             // for people, one clause
  std::optional<double> margin_bound;
  double accuracy = 0.0;  // on the test samples, of what was read back, or of loop.network
};

// Verifies the question's network, repairs it and verifies it again as repair::repair does. A robust network
// (also one that was robust from the start) is written to `file` with the keys of `layout`, read back and
// verified once more: that verification's verdict is the result, and its proof goes to `certificate`
// (if that is not empty, and certificates know such a question). The observers may be null. Throws as
// repair::repair does, and InputError if the file cannot be written. The loop's verifications go through
// `memory` if it is not null; that of the file is always done anew.
RepairedModel repair_model(const Question& question, const network::ModelLayout& layout, const Data& data,
                           const Config& config, const std::string& file, const std::string& certificate,
                           repair::Observer* observer, search::Observer* search_observer,
                           const StopToken& stop, SearchMemory* memory = nullptr);

}  // namespace verissim::experiment
