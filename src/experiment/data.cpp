#include "experiment/data.h"

#include "dataset/dataset.h"
#include "experiment/printed.h"

namespace verissim::experiment {
namespace {

using dataset::Split;

std::string state(const dataset::Progress& progress) {
  if (progress.total == 0) return progress.activity;
  const double share = static_cast<double>(progress.done) / static_cast<double>(progress.total);
  return progress.activity + printed(": %.0f %%", 100 * share);
}

dataset::Request request_for(const Config& config, Split split) {
  dataset::Request request;
  request.name = dataset::parse_dataset_name(config.dataset);
  request.split = split;
  request.root = located(config, config.data_path);
  request.shape = config.dimension;
  request.selected_classes.assign(config.selected_classes.begin(), config.selected_classes.end());
  request.download = true;
  return request;
}

train::Samples to_samples(const dataset::Dataset& data) {
  train::Samples samples;
  samples.shape = data.shape;
  samples.classes = data.classes;
  samples.labels.assign(data.labels.begin(), data.labels.end());
  const int64_t size = data.shape.size();
  samples.images.resize(static_cast<size_t>(data.count() * size));
  const std::span<float> images(samples.images);
  for (int64_t i = 0; i < data.count(); ++i) {
    data.values(i, images.subspan(static_cast<size_t>(i * size), static_cast<size_t>(size)));
  }
  return samples;
}

}  // namespace

std::optional<Data> load_data(const Config& config, const std::function<void(std::string_view)>& activity,
                              const StopToken& stop) {
  Data result;
  for (const Split split : {Split::kTrain, Split::kTest}) {
    dataset::Request request = request_for(config, split);
    request.progress = [&](const dataset::Progress& progress) { activity(state(progress)); };
    request.stop = stop;
    const std::optional<dataset::Dataset> loaded = dataset::load(request);
    if (!loaded) return std::nullopt;
    const bool training = split == Split::kTrain;
    result.files.push_back({training ? "training data" : "test data", config.data_path, loaded->digest});
    (training ? result.train : result.test) = to_samples(*loaded);
  }
  return result;
}

}  // namespace verissim::experiment
