#include "experiment/config_keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace verissim::experiment {
namespace {

constexpr Range kAny{};
constexpr double kMillion = 1e6;

constexpr std::array kKeys = {
    Key{.name = "path",
        .member = &Config::path,
        .meaning = "folder for results; each run makes a numbered folder of its own in it"},
    Key{.name = "dimension",
        .member = &Config::dimension,
        .required = true,
        .range = {1, 4096},
        .meaning = "[channels, height, width] of the network's input; all images are resized to it"},
    Key{.name = "ri.path",
        .member = &Config::reference_path,
        .meaning =
            "the reference image: a PNG, PPM or NPY file. There are other ways to name references, of "
            "which one is used: `\"ri\": [{\"path\", \"class_idx\", \"threshold\"}, ...]`, a list (the "
            "threshold of an entry may be left out), and the keys csv, folder and first"},
    Key{.name = "ri.class_idx",
        .member = &Config::reference_class,
        .range = {0, kMillion},
        .meaning = "its class as the number of the network's output, counted from 0: the position in "
                   "model.selected_classes, not the label itself"},
    Key{.name = "ri.csv",
        .member = &Config::reference_csv,
        .meaning = "a CSV file of references with the columns path, class_idx and, where wanted, threshold; "
                   "paths are relative to the file's folder"},
    Key{.name = "ri.folder",
        .member = &Config::reference_folder,
        .meaning = "a folder of references whose subfolders are called like their class_idx"},
    Key{.name = "ri.first",
        .member = &Config::reference_first,
        .range = {0, kMillion},
        .meaning = "so many references are taken from the beginning of the test images, of those that the "
                   "network classifies correctly"},
    Key{.name = "ri.classes",
        .member = &Config::reference_classes,
        .range = {0, kMillion},
        .null_allowed = true,
        .meaning = "with ri.first: only images of these class_idx; empty or null: of all"},
    Key{.name = "model.dataset",
        .member = &Config::dataset,
        .required = true,
        .choices = "MNIST|FashionMNIST|GTSRB",
        .meaning = "the data to train, repair and test with"},
    Key{.name = "model.hidden_layer",
        .member = &Config::hidden_layers,
        .required = true,
        .range = {1, 65536},
        .null_allowed = true,
        .meaning =
            "sizes of the hidden layers: Linear and ReLU each, then a Linear output layer; with an empty "
            "list or null the file of model.path may have any layers, convolutions too"},
    Key{.name = "model.load_model",
        .member = &Config::load_model,
        .meaning =
            "true: the network's file is loaded if it exists, else the network is trained; false: it is "
            "always trained"},
    Key{.name = "model.path",
        .member = &Config::model_path,
        .meaning =
            "the network's file (.pt), or a folder in which it is called like model_i1x4x4_l6-6-6_o5.pt"},
    Key{.name = "model.data_path",
        .member = &Config::data_path,
        .meaning = "root folder of data sets in torchvision's layout; what is missing is downloaded into it"},
    Key{.name = "model.selected_classes",
        .member = &Config::selected_classes,
        .range = {0, kMillion},
        .null_allowed = true,
        .meaning = "the classes to keep; they get their position in this list as their new label; empty or "
                   "null: all"},
    Key{.name = "model.epochs",
        .member = &Config::epochs,
        .range = {1, kMillion},
        .meaning = "training: passes over the training data (SGD, rate 0.01, momentum 0.9, cross entropy)"},
    Key{.name = "model.batch_size",
        .member = &Config::batch_size,
        .range = {1, kMillion},
        .meaning = "training: images a step"},
    Key{.name = "minlp.distance",
        .member = &Config::distance,
        .choices = "ssim|linf|l2",
        .meaning =
            "how images are compared: ssim is the global SSIM (one window that is the whole image), linf "
            "the largest difference of a value, l2 the Euclidean distance of all values"},
    Key{.name = "minlp.channels",
        .member = &Config::channels,
        .choices = "joint|mean",
        .meaning =
            "SSIM of colour images: joint takes all channels together, mean takes each channel's SSIM and "
            "averages them"},
    Key{.name = "minlp.threshold",
        .member = &Config::threshold,
        .required = true,
        .range = {0.0, kMillion},
        .meaning = "every image whose SSIM to the reference is at least this (above 0, at most 1), or whose "
                   "distance "
                   "is at most this, must get the reference's class; the decimal number is taken exactly as "
                   "written"},
    Key{.name = "minlp.eight_bit",
        .member = &Config::eight_bit,
        .meaning =
            "true: only images of 8 bits (every value k/255 as float32) count as counterexamples; 'unknown' "
            "is said when there is another one, but none of these was found"},
    Key{.name = "minlp.arithmetic",
        .member = &Config::arithmetic,
        .choices = "exact|float32",
        .meaning =
            "which evaluations of the network are meant: exact is the one in real numbers, float32 all that "
            "programs make in this arithmetic, whatever the order of their sums"},
    Key{.name = "minlp.timeout",
        .member = &Config::timeout,
        .range = kAny,
        .meaning = "seconds for each verification; 0 or less: no limit"},
    Key{.name = "minlp.tolerance",
        .member = &Config::tolerance,
        .range = {0, 15},
        .meaning =
            "k: 'unknown: boundary' is said when the gap left is below 10^-k and neither side can be shown"},
    Key{.name = "repair.method",
        .member = &Config::repair_method,
        .choices = "auto|last-layer|penalty|detector|bound|fine-tune|adversarial",
        .meaning =
            "last-layer: the least change of the last layer; penalty: Adam on cross entropy plus weighted "
            "penalties for counterexamples; detector: neurons that matter little recognise the surroundings "
            "of the references; bound: Adam on lower bounds of the margins over the whole regions; "
            "fine-tune: counterexamples mixed into the training images; adversarial: fresh ones "
            "before each pass; auto: the first four in this order, with convolutions the detector before the "
            "penalty, until a proved network has lost hardly any accuracy; the best proved one is kept"},
    Key{.name = "repair.batch_size",
        .member = &Config::repair_batch_size,
        .range = {1, kMillion},
        .meaning = "repair: images a step"},
    Key{.name = "repair.lr",
        .member = &Config::repair_learning_rate,
        .range = {0.0, 10.0, true},
        .meaning = "repair: Adam's learning rate"},
    Key{.name = "repair.penalty_increase",
        .member = &Config::repair_penalty_increase,
        .range = {1.0, kMillion},
        .meaning =
            "repair: after each epoch the weights of counterexamples that are still wrong are multiplied "
            "by this"},
    Key{.name = "repair.margin",
        .member = &Config::repair_margin,
        .range = {0.0, 1000.0, true},
        .meaning = "repair: a counterexample counts as repaired when its class leads by this; grows from "
                   "round to round"},
    Key{.name = "repair.max_rounds",
        .member = &Config::repair_max_rounds,
        .range = {0, kMillion},
        .meaning = "how often the network is repaired and verified again at most; 0: it is only verified"},
    Key{.name = "repair.max_epochs",
        .member = &Config::repair_max_epochs,
        .range = {1, kMillion},
        .meaning = "repair: passes over the training data in one round at most"},
    Key{.name = "repair.timeout",
        .member = &Config::repair_timeout,
        .range = kAny,
        .meaning =
            "seconds for all rounds of repair together, verification not counted; 0 or less: no limit"},
    Key{.name = "repair.budget",
        .member = &Config::repair_budget,
        .range = kAny,
        .meaning = "seconds for repair and verification together; 0 or less: no limit"},
    Key{.name = "repair.min_accuracy",
        .member = &Config::repair_min_accuracy,
        .range = {0.0, 1.0},
        .meaning = "share of the test images that a repaired network must classify correctly; what has less "
                   "is no result"},
    Key{.name = "repair.keep_outputs",
        .member = &Config::repair_keep_outputs,
        .range = {0.0, kMillion},
        .meaning = "repair: weight of the squared distance to the original network's outputs on the training "
                   "images; 'bound' takes 1 where this is 0"},
    Key{.name = "repair.keep_weights",
        .member = &Config::repair_keep_weights,
        .range = {0.0, kMillion},
        .meaning = "repair: weight of the squared distance to the original weights, relative to theirs"},
    Key{.name = "repair.layers",
        .member = &Config::repair_layers,
        .range = {1, 65536},
        .null_allowed = true,
        .meaning = "repair: the layers with weights that may change, counted from 1; empty or null: all"},
    Key{.name = "repair.shrink",
        .member = &Config::repair_shrink,
        .meaning = "true: in the end the smallest step from the original to the repaired network is looked "
                   "for that is still proved; of all networks proved the most accurate is kept"},
    Key{.name = "repair.unseen",
        .member = &Config::repair_unseen,
        .range = {0, kMillion},
        .meaning = "on so many test images of the references' classes that are no references, and as many of "
                   "other classes, robustness is verified before and after repair"},
    Key{.name = "tensorboard",
        .member = &Config::tensorboard,
        .meaning =
            "true: the run's folder gets a file for TensorBoard as well, scalars and images of each round"},
    Key{.name = "seed",
        .member = &Config::seed,
        .range = {0, 9007199254740992.0},
        .meaning = "of all random numbers: the same seed and build give the same result"},
    Key{.name = "threads",
        .member = &Config::threads,
        .range = {0, 4096},
        .meaning = "how many threads work; 0: as many as the machine offers"},
    Key{.name = "memory_limit_mb",
        .member = &Config::memory_limit_mb,
        .range = {16, 1e9},
        .meaning = "megabytes for open subproblems of a verification; 'unknown' is said beyond"},
};

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e16)
    return std::to_string(static_cast<int64_t>(value));
  return nlohmann::json(value).dump();
}

std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.low);
  const bool high = std::isfinite(range.high);
  if (low && high && !range.low_excluded)
    return " from " + number_text(range.low) + " to " + number_text(range.high);
  std::string text;
  if (low) text += (range.low_excluded ? " above " : " of at least ") + number_text(range.low);
  if (high) text += (low ? " and at most " : " of at most ") + number_text(range.high);
  return text;
}

template <typename Values>
std::string list_json(const Values& values) {
  std::string text = "[";
  for (const int64_t value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

struct JsonPrinter {
  std::string operator()(const std::string& value) const {
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return number_text(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const Decimal& value) const { return value.text(); }
  std::string operator()(const Shape& shape) const {
    return list_json(std::array{shape.channels, shape.height, shape.width});
  }
  std::string operator()(const std::vector<int64_t>& values) const { return list_json(values); }
};

struct AllowedPrinter {
  const Key& key;

  std::string operator()(std::string Config::*) const {
    if (key.choices.empty()) return "a text that is not empty";
    const auto choices = split_choices(key.choices);
    std::string text = choices.size() == 1 ? "the text " : "one of ";
    for (const auto& choice : choices) text += (&choice == choices.data() ? "\"" : ", \"") + choice + "\"";
    return text;
  }
  std::string operator()(int64_t Config::*) const { return "an integer" + range_text(key.range); }
  std::string operator()(double Config::*) const { return "a number" + range_text(key.range); }
  std::string operator()(bool Config::*) const { return "true or false"; }
  std::string operator()(Decimal Config::*) const { return "a number" + range_text(key.range); }
  std::string operator()(Shape Config::*) const {
    return "a list [channels, height, width] of integers" + range_text(key.range) + ", channels 1 or 3";
  }
  std::string operator()(std::vector<int64_t> Config::*) const {
    return "a list of integers" + range_text(key.range);
  }
};

}  // namespace

std::span<const Key> config_keys() { return kKeys; }

const Key& config_key(std::string_view name) {
  const auto key = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return k.name == name; });
  VERISSIM_CHECK(key != kKeys.end());
  return *key;
}

std::vector<std::string> split_choices(std::string_view choices) {
  std::vector<std::string> result;
  while (!choices.empty()) {
    const size_t end = choices.find('|');
    result.emplace_back(choices.substr(0, end));
    choices.remove_prefix(end == std::string_view::npos ? choices.size() : end + 1);
  }
  return result;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

std::string allowed_values(const Key& key) {
  const std::string text = std::visit(AllowedPrinter{key}, key.member);
  return key.null_allowed ? text + ", or null" : text;
}

std::string value_as_json(const Key& key, const Config& config) {
  return std::visit([&](auto member) { return JsonPrinter{}(config.*member); }, key.member);
}

}  // namespace verissim::experiment
