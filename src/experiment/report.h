// What a run did, as values, and the two files that tell it: report.json and the original's evaluation.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiment/config.h"
#include "experiment/cost.h"
#include "experiment/question.h"
#include "experiment/trace.h"
#include "repair/repair.h"
#include "search/verify.h"

namespace verissim::experiment {

inline constexpr const char* kModelRole = "model";
inline constexpr const char* kReferenceRole = "reference";

struct FileFact {
  std::string role;  // these, "list of references", "training data", "test data"
  std::string path;
  std::string sha256;
};

// A reference, as the report tells it.
struct ReferenceFacts {
  std::string name;         // of its file, or "test image 17"
  std::string file;         // in the run's folder
  int64_t test_index = -1;  // of a test image
  int64_t label = 0;
  Decimal threshold;
  std::vector<double> scores = {};        // by the network given
  std::vector<double> scores_after = {};  // by the network kept in the end
  std::optional<search::Result> before = {};
  std::optional<search::Result> after = {};  // of the network kept
};

// A counterexample and the files that hold it; an empty name: not written.
struct CounterexampleFiles {
  Counterexample found;
  int64_t reference = 0;  // its number
  std::string png;
  std::string npy;
  std::optional<double> margin_after = {};  // by the network kept in the end
};

// One verification and the repair that followed it.
struct Round {
  repair::Round facts;
  std::vector<CounterexampleFiles> counterexamples;  // the worst first
  std::vector<Trace> traces = {};                    // of each reference's verification
  std::vector<LayerChange> weight_changes = {};      // by the repair
};

struct NetworkFacts {
  Shape input;
  int64_t outputs = 0;
  int64_t relus = 0;
  int64_t parameters = 0;
  bool trained = false;          // in this run
  std::string training_library;  // "" if none was loaded
};

// What a verification of the final network's file said.
struct Proof {
  search::Result verification;
  Trace trace = {};
  std::string certificate;     // the name of its file; empty if there is none
  std::string no_certificate;  // then why not, as a clause
};

// The file of the final network, and what its verifications after reading it back said, one a reference.
struct FinalFile {
  std::string name;
  std::string sha256;
  std::vector<Proof> proofs;
};

struct Times {  // seconds
  double data = 0.0;
  double training = 0.0;
  double verification = 0.0;
  double repair = 0.0;
  double total = 0.0;
};

struct Report {
  std::vector<std::string> command;
  std::string started;  // UTC
  Config config;
  std::vector<FileFact> files;
  std::optional<NetworkFacts> network;  // the first one verified
  std::vector<ReferenceFacts> references;
  std::vector<Round> rounds;
  std::optional<FinalFile> final_file;  // if robust
  std::string method;                   // that made the network kept; "" if it is the one given
  std::vector<repair::Candidate> candidates;
  std::optional<Cost> cost;  // at the end, if the network was changed
  std::string best_network;  // file of the one that came closest, if none was robust and there was a repair
  Times times;
  bool finished = false;  // not while the run goes on, nor if it was interrupted: see reason
  search::Verdict verdict = search::Verdict::kUnknown;  // of the last network
  std::string reason = "not finished";
  bool repaired = false;  // robust, and not from the start
  std::optional<double> margin_bound;
  std::optional<double> accuracy;  // on the test samples, of the network kept; nothing before the end
};

std::string report_json(const Report& report);

// The verdict in one sentence.
std::string sentence(const Report& report);

// {"iterations": {"1": {"max_deviation", "stable_relu", "runtime", "status", "accuracy_before",
// "accuracy_after"}, ...}}: stable_relu counts neurons and is null where nobody counted them; max_deviation
// is null without a counterexample.
std::string evaluation_json(const Report& report);

}  // namespace verissim::experiment
