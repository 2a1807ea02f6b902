#pragma once

#include <exception>
#include <span>
#include <vector>

#include "experiment/question.h"
#include "experiment/session.h"
#include "experiment/trace.h"
#include "network/model_file.h"
#include "repair/repair.h"

namespace verissim::experiment {

// The network after the last repair, with the ending of the model's file.
inline constexpr const char* kIntermediateModel = "intermediate_model";

// Writes what the repair loop reports into the run's folder. All references must outlive it.
class RoundWriter : public repair::Observer {
 public:
  RoundWriter(Session& session, std::span<const Question> questions, const network::LoadedModel& model,
              TraceRecorder& trace)
      : session_(session), questions_(questions), model_(model), trace_(trace), traces_(questions.size()) {}

  void on_target(int64_t target) override;
  void on_target_verified(int64_t target, const search::Result& result) override;
  void on_verified(const repair::Round& round, const network::Network& network) override;
  void on_repaired(const repair::Round& round, const network::Network& network) override;

  void on_step(double step, bool proved) override;

  // The courses of the verifications since the last round, one a reference; forgets them.
  std::vector<Trace> take_traces();

  // The loop goes on when a file cannot be written; this throws the first such error.
  void check() const;

 private:
  void write_verified(const repair::Round& round, const network::Network& network);
  void write_counterexamples(Round& round, const network::Network& network);
  void write_repaired(const repair::Round& round, const network::Network& network);

  Session& session_;
  std::span<const Question> questions_;
  const network::LoadedModel& model_;
  TraceRecorder& trace_;
  std::vector<Trace> traces_;
  network::Network verified_;  // last
  std::exception_ptr error_;
};

}  // namespace verissim::experiment
