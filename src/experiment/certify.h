// Certificates of questions: what they are about, and which can be written at all.
#pragma once

#include <optional>
#include <string>

#include "certificate/writer.h"
#include "experiment/question.h"
#include "network/model_file.h"

namespace verissim::experiment {

// Why the checker could not read a certificate for this question, as a clause; nothing if it can.
std::optional<std::string> why_no_certificate(const network::LoadedModel& model,
                                              const std::string& model_file, const std::string& image_file,
                                              const Neighbourhood& neighbourhood);

// model_digest: of the model's file.
certificate::Subject certificate_subject(const Question& question, const std::string& model_file,
                                         const std::string& model_digest);

// Gives the certificate its name if the result for this network, in the question's arithmetic, can be
// certified; why not otherwise, as a clause.
std::optional<std::string> finish_certificate(certificate::Writer& writer, const network::Network& network,
                                              int64_t label, const search::Result& result);

// Writes the certificate of a counterexample to the network of the model's file, where it must be one, too;
// why not otherwise, as a clause.
std::optional<std::string> certify_refutation(const Question& question, const network::LoadedModel& model,
                                              const std::string& model_file, const std::string& image_file,
                                              search::Result refuted, const std::string& certificate);

}  // namespace verissim::experiment
