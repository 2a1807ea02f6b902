// The cases that pytorch_files.py writes: model files with what PyTorch computes on them, or with the
// complaint that is expected.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/shape.h"
#include "network/model_file.h"

namespace verissim::network {

struct ModelCase {
  std::string path;
  Shape shape;
  bool give_shape = false;  // to load_model
  std::string format;
  std::vector<std::vector<double>> inputs;
  std::vector<std::vector<double>> outputs;
  std::string error;  // part of the message; empty for good files
};

std::vector<ModelCase> read_model_cases(const std::string& folder);

LoadedModel load_case(const ModelCase& model_case);

// The case's file is read as PyTorch means it, or refused as expected.
void expect_as_pytorch(const ModelCase& model_case);

// A new empty folder for this process.
std::string temporary_folder(const std::string& name);

}  // namespace verissim::network
