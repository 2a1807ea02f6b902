// The cases that pytorch_files.py and onnx_files.py write: model files with what PyTorch or onnxruntime
// computes on them, or with the complaint that is expected.
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
  bool writable = true;     // whether a state_dict holds all that the network has
  std::string format;
  std::vector<std::vector<double>> inputs;
  std::vector<std::vector<double>> outputs;        // in double precision
  std::vector<std::vector<double>> float_outputs;  // in single precision; may be absent
  double tolerance = 1e-12;                        // of the outputs, relative where they are larger than 1
  std::string error;                               // part of the message; empty for good files
};

std::vector<ModelCase> read_model_cases(const std::string& folder, const std::string& list = "cases.json");

LoadedModel load_case(const ModelCase& model_case);

// The case's file is read as PyTorch or onnxruntime means it, or refused as expected.
void expect_as_meant(const ModelCase& model_case);

}  // namespace verissim::network
