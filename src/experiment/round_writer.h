#pragma once

#include <exception>

#include "experiment/question.h"
#include "experiment/session.h"
#include "experiment/trace.h"
#include "network/model_layout.h"
#include "repair/repair.h"

namespace verissim::experiment {

// The network after the last repair.
inline constexpr const char* kIntermediateModel = "intermediate_model.pt";

// Writes what the repair loop reports into the run's folder. All references must outlive it.
class RoundWriter : public repair::Observer {
 public:
  RoundWriter(Session& session, const Question& question, const network::ModelLayout& layout,
              TraceRecorder& trace)
      : session_(session), question_(question), layout_(layout), trace_(trace) {}

  void on_verified(const repair::Round& round, const network::Network& network) override;
  void on_repaired(const repair::Round& round, const network::Network& network) override;

  // The loop goes on when a file cannot be written; this throws the first such error.
  void check() const;

 private:
  void write_verified(const repair::Round& round, const network::Network& network);
  void write_repaired(const repair::Round& round, const network::Network& network);

  Session& session_;
  const Question& question_;
  const network::ModelLayout& layout_;
  TraceRecorder& trace_;
  network::Network verified_;  // last
  std::exception_ptr error_;
};

}  // namespace verissim::experiment
