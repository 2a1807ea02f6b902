#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.h"
#include "experiment/config.h"
#include "experiment/report.h"
#include "train/samples.h"

namespace verissim::experiment {

// The config's data set, its classes selected and relabelled, its images resized to the config's dimension.
struct Data {
  train::Samples train;
  train::Samples test;
  std::vector<FileFact> files;  // what it was read from
};

// Downloads what is missing; `activity` is told its state. Nothing if stopped. Throws InputError if the data
// cannot be had or read.
std::optional<Data> load_data(const Config& config, const std::function<void(std::string_view)>& activity,
                              const StopToken& stop);

}  // namespace verissim::experiment
