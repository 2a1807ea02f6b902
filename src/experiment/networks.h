// The network of an experiment: where its file lies, whether it fits the config, training it.
#pragma once

#include <string>

#include "experiment/config.h"
#include "network/model_file.h"
#include "train/train.h"

namespace verissim::experiment {

// model.path itself if it ends like a network's file, otherwise the file of the original's name in that
// folder.
std::string model_file_of(const Config& config);

// ".onnx" or ".safetensors" if the file's name ends so, otherwise ".pt": what the names of networks that are
// written like it end with.
std::string model_ending(const std::string& file);

// Throws InputError unless a network like the model can have a file of that name: "x.onnx" if the model is
// ONNX, ".pt", ".pth" or ".safetensors" otherwise.
void check_ending(const std::string& file, const network::LoadedModel& model);
// Writes a changed network in the model's format (network::save_like); a state_dict or safetensors file also
// as the other of the two, if the name ends so.
void save_network_like(const std::string& file, const network::LoadedModel& model,
                       const network::Network& network);

// Reads the file and compares it with the config. Throws InputError if the numbers of inputs or outputs
// differ, or those of the hidden neurons, unless the config has no hidden layers.
network::LoadedModel load_fitting_model(const std::string& file, const Config& config);

// Makes the folder that the file is to lie in. Throws InputError.
void make_folder_of(const std::string& file);

// Writes it, and the folders above it where they are missing.
void save_model_file(const std::string& file, const network::Network& network);

train::Options training_options(const Config& config);

// "training: epoch 3 of 50, loss 0.1234, accuracy 96.10 %, 12 s left"
std::string training_state(const train::Epoch& epoch, int64_t epochs);

}  // namespace verissim::experiment
