#include "experiment/networks.h"

#include <filesystem>

#include "base/error.h"
#include "experiment/printed.h"
#include "network/describe.h"

namespace verissim::experiment {
namespace {

std::string listed(const std::vector<int64_t>& values) {
  std::string text = "[";
  for (const int64_t value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

}  // namespace

std::string model_file_of(const Config& config) {
  const std::filesystem::path path(config.model_path);
  for (const char* ending : {".pt", ".pth", ".safetensors", ".onnx"}) {
    if (path.extension() == ending) return path;
  }
  return path / network::model_file_name(config.dimension, config.hidden_layers, number_of_classes(config));
}

std::string model_ending(const std::string& file) {
  const std::string ending = std::filesystem::path(file).extension();
  return ending == ".onnx" || ending == ".safetensors" ? ending : ".pt";
}

namespace {

constexpr const char* kSafetensors = "safetensors";

bool is_safetensors(const std::string& file) {
  return std::filesystem::path(file).extension() == ".safetensors";
}

}  // namespace

void check_ending(const std::string& file, const network::LoadedModel& model) {
  const bool onnx = model.format == "ONNX";
  const std::string ending = std::filesystem::path(file).extension();
  const bool fits =
      onnx ? ending == ".onnx" : ending == ".pt" || ending == ".pth" || ending == ".safetensors";
  if (fits) return;
  throw InputError(file, "cannot be written", "'" + ending + "'",
                   onnx ? "a name that ends in .onnx, as the network's format"
                        : "a name that ends in .pt, .pth or .safetensors");
}

void save_network_like(const std::string& file, const network::LoadedModel& model,
                       const network::Network& network) {
  const bool converted = is_safetensors(file) != (model.format == kSafetensors) && model.format != "ONNX";
  if (converted) {
    network::save_model(file, network, model.layout);
  } else {
    network::save_like(file, model, network);
  }
}

network::LoadedModel load_fitting_model(const std::string& file, const Config& config) {
  network::LoadedModel model = network::load_model(file, config.dimension);
  const std::vector<int64_t> hidden = network::hidden_sizes(model.network);
  if (!config.hidden_layers.empty() && hidden != config.hidden_layers) {
    throw InputError(file, "hidden layers", listed(hidden),
                     listed(config.hidden_layers) + ", the config's model.hidden_layer");
  }
  if (model.network.outputs() != number_of_classes(config)) {
    throw InputError(file, "outputs", std::to_string(model.network.outputs()),
                     std::to_string(number_of_classes(config)) + ", the number of the config's classes");
  }
  return model;
}

void make_folder_of(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) throw InputError(folder, "folder cannot be made", error.message(), "");
}

void save_model_file(const std::string& file, const network::Network& network) {
  make_folder_of(file);
  network::save_model(file, network);
}

train::Options training_options(const Config& config) {
  train::Options options;
  options.epochs = config.epochs;
  options.batch_size = config.batch_size;
  options.seed = static_cast<uint64_t>(config.seed);
  return options;
}

std::string training_state(const train::Epoch& epoch, int64_t epochs) {
  return printed("training: epoch %lld of %lld, loss %.4f, accuracy %.2f %%, %.0f s left",
                 static_cast<long long>(epoch.number), static_cast<long long>(epochs), epoch.loss,
                 100 * epoch.accuracy, epoch.seconds * static_cast<double>(epochs - epoch.number));
}

}  // namespace verissim::experiment
