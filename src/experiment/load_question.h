#pragma once

#include <optional>
#include <string>

#include "base/shape.h"
#include "experiment/question.h"
#include "network/model_file.h"

namespace verissim::experiment {

struct LoadedQuestion {
  Question question;
  network::LoadedModel model;  // its network is in the question
};

// Reads a network and a reference image, which is resized to the network's input as in an experiment. The
// shape of the input is `dimension`, or what the model or its file's name says, or that of the image if it
// has as many values as the network wants. Throws InputError.
LoadedQuestion load_question(const std::string& model_file, const std::string& image_file, int64_t label,
                             const Neighbourhood& neighbourhood, const std::optional<Shape>& dimension);

}  // namespace verissim::experiment
