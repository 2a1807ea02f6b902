// An experiment's settings: the keys of the original tool's JSON file and ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/shape.h"

namespace verissim::experiment {

// An entry of a list of references.
struct ReferenceEntry {
  std::string path;
  int64_t class_idx = 0;
  std::optional<Decimal> threshold;  // minlp.threshold where there is none
};

// What each key means, its default and its range stand in config_keys.h, the one table from which the reader,
// the printer and the reference page are made. A default that is used when the file has no such key is the
// initial value here.
struct Config {
  std::string path = "results";
  Shape dimension;
  // The references, in one of these ways: a file and its class (an index into the network's outputs), a list,
  // a CSV file, a folder, the first so many images of the test set (of these classes, if there are any).
  std::string reference_path;
  int64_t reference_class = 0;
  std::vector<ReferenceEntry> reference_list;
  std::string reference_csv;
  std::string reference_folder;
  int64_t reference_first = 0;
  std::vector<int64_t> reference_classes;
  std::string dataset;
  std::vector<int64_t> hidden_layers;
  bool load_model = true;
  std::string model_path = "models";
  std::string data_path = "data";
  std::vector<int64_t> selected_classes;  // empty: all
  int64_t epochs = 50;
  int64_t batch_size = 64;
  std::string distance = "ssim";
  std::string channels = "joint";
  bool eight_bit = false;
  std::string arithmetic = "exact";
  Decimal threshold;
  double timeout = 0.0;  // seconds for each verification; <= 0: none
  int64_t tolerance = 6;
  std::string repair_method = "auto";
  int64_t repair_batch_size = 64;
  double repair_learning_rate = 0.001;
  double repair_penalty_increase = 2.0;
  double repair_margin = 0.01;
  int64_t repair_max_rounds = 100;
  int64_t repair_max_epochs = 100;
  double repair_timeout = 600.0;  // seconds for all repairs together; <= 0: none
  double repair_budget = 0.0;     // seconds for repairs and verifications together; <= 0: none
  double repair_min_accuracy = 0.0;
  double repair_keep_outputs = 0.0;
  double repair_keep_weights = 0.0;
  std::vector<int64_t> repair_layers;  // empty: all
  bool repair_shrink = true;
  int64_t repair_unseen = 0;  // images on which generalisation is measured
  bool tensorboard = false;
  int64_t seed = 1;
  int64_t threads = 0;  // 0: as many as the machine offers
  int64_t memory_limit_mb = 4096;
  // No key: the folder that relative paths count from, empty for the current one. It is another one where a
  // run is gone on with from elsewhere.
  std::string base;
};

// Where the file or folder lies that the config calls so.
std::string located(const Config& config, const std::string& name);

// Reads a config file: JSON, // and /* */ comments allowed. Relative paths in it stay relative to the current
// folder, as in the original. Throws InputError, one line that names the file, the key's path, what was given
// and what is allowed: unknown and duplicate keys, wrong types, values out of range, contradictions.
Config read_config(const std::string& file);
// The same for a text; `file` is only a name for messages.
Config parse_config(const std::string& text, const std::string& file);

// What training and repair need of a config that was not read from a file (from command line options):
// classes of the data set, a dimension that images have. Throws InputError.
void check_training(const Config& config);

// All keys with their values as used, as JSON that parse_config reads back to the same config.
std::string print_config(const Config& config);

// A Markdown table of all keys: name, type and range, default, meaning.
std::string config_reference();

// The classes of a data set that a network of this config tells apart: their number and, by output, their
// label.
int64_t number_of_classes(const Config& config);
int64_t class_label(const Config& config, int64_t output);

}  // namespace verissim::experiment
