#include "experiment/config.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "experiment/config_keys.h"
#include "experiment/config_value.h"
#include "experiment/json_tree.h"
#include "experiment/neighbourhood.h"

namespace verissim::experiment {
namespace {

using Kind = JsonTree::Kind;

std::string_view last_part(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string_view first_part(std::string_view name) { return name.substr(0, name.find('.')); }

// A key in the wrong section is as near as one that is misspelt, and so is a section.
std::string nearest_key(const std::string& name) {
  const auto distance = [&](const Key& key) {
    const size_t section = 1 + edit_distance(name, first_part(key.name));
    return std::min(
        {edit_distance(name, key.name), 1 + edit_distance(last_part(name), last_part(key.name)), section});
  };
  const auto keys = config_keys();
  return std::string(std::min_element(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
                       return distance(a) < distance(b);
                     })->name);
}

bool is_section(const std::string& name) {
  const auto keys = config_keys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& key) { return key.name.starts_with(name + "."); });
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Config read(const JsonTree& root) {
    if (root.kind != Kind::kObject)
      throw InputError(file_, "", describe(root), "an object { ... } of settings");
    section(root, "");
    for (const Key& key : config_keys()) {
      if (key.required && !seen_.contains(key.name)) {
        throw InputError(file_, std::string(key.name), "nothing", allowed_values(key));
      }
    }
    check_references();
    return std::move(config_);
  }

 private:
  // One way to name references, and only one.
  void check_references() const {
    const bool single = seen_.contains("ri.path") || seen_.contains("ri.class_idx");
    std::vector<std::string> ways;
    if (single) ways.emplace_back("ri.path");
    if (seen_.contains("ri")) ways.emplace_back("a list ri");
    if (seen_.contains("ri.csv")) ways.emplace_back("ri.csv");
    if (seen_.contains("ri.folder")) ways.emplace_back("ri.folder");
    if (config_.reference_first > 0) ways.emplace_back("ri.first");
    if (ways.size() > 1) throw InputError(file_, "ri", ways[0] + " and " + ways[1], "one of the two");
    for (const char* name : {"ri.path", "ri.class_idx"}) {
      if (seen_.contains(name) || (!single && !ways.empty())) continue;
      throw InputError(file_, name, "nothing", allowed_values(config_key(name)));
    }
    if (!config_.reference_classes.empty() && config_.reference_first == 0)
      throw InputError(file_, "ri.classes", "no ri.first beside it", "both, or neither");
  }

  void section(const JsonTree& object, const std::string& prefix) {
    for (const JsonTree& value : object.children) {
      const std::string path = prefix + value.name;
      if (path == "ri" && value.kind == Kind::kList) {
        list_of_references(value);
      } else if (const Key* key = find(path)) {
        set(*key, value);
      } else if (!is_section(path)) {
        throw InputError(file_ + ": " + shortened(path) + ": this key is not known; did you mean " +
                         nearest_key(shortened(path)) + "?");
      } else if (value.kind != Kind::kObject) {
        throw InputError(file_, path, describe(value), "an object { ... }");
      } else {
        section(value, path + ".");
      }
    }
  }

  // "ri": [{"path": ..., "class_idx": ..., "threshold": ...}, ...]
  void list_of_references(const JsonTree& list) {
    seen_.insert("ri");
    for (size_t i = 0; i < list.children.size(); ++i) {
      const std::string place = "ri[" + std::to_string(i) + "]";
      const JsonTree& value = list.children[i];
      if (value.kind != Kind::kObject)
        throw InputError(file_, place, describe(value), "an object { ... } with path and class_idx");
      config_.reference_list.push_back(entry(value, place));
    }
    if (list.children.empty()) throw InputError(file_, "ri", "an empty list", "one reference or more");
  }

  ReferenceEntry entry(const JsonTree& object, const std::string& place) const {
    Config read;
    std::set<std::string> given;
    for (const JsonTree& value : object.children) {
      const bool threshold = value.name == "threshold";
      if (!threshold && value.name != "path" && value.name != "class_idx") {
        throw InputError(file_ + ": " + place + "." + shortened(value.name) +
                         ": this key is not known; an entry has path, class_idx and threshold");
      }
      given.insert(value.name);
      set_value(read, config_key(threshold ? "minlp.threshold" : "ri." + value.name), value,
                file_ + ": " + place);
    }
    for (const char* name : {"path", "class_idx"}) {
      if (given.contains(name)) continue;
      throw InputError(file_, place + "." + name, "nothing",
                       allowed_values(config_key("ri." + std::string(name))));
    }
    ReferenceEntry result{read.reference_path, read.reference_class, {}};
    if (given.contains("threshold")) result.threshold = read.threshold;
    return result;
  }

  static std::string shortened(const std::string& path) {
    return path.size() <= 80 ? path : path.substr(0, 80) + "...";
  }

  const Key* find(const std::string& path) const {
    for (const Key& key : config_keys()) {
      if (key.name == path) return &key;
    }
    return nullptr;
  }

  void set(const Key& key, const JsonTree& value) {
    if (value.kind == Kind::kNull && !key.null_allowed) {
      throw InputError(file_, std::string(key.name), "null", allowed_values(key));
    }
    set_value(config_, key, value, file_);
    seen_.insert(key.name);
  }

  const std::string& file_;
  Config config_;
  std::set<std::string_view> seen_;
};

int64_t classes_of(const std::string& dataset) { return dataset == "GTSRB" ? 43 : 10; }

void check_classes(const Config& config, const std::string& file) {
  const auto fail = [&](const std::string& got, const std::string& wanted) {
    throw InputError(file, "model.selected_classes", got, wanted);
  };
  const int64_t labels = classes_of(config.dataset);
  std::set<int64_t> kept;
  for (const int64_t label : config.selected_classes) {
    if (label >= labels) {
      fail(std::to_string(label), "classes of " + config.dataset + ", 0 to " + std::to_string(labels - 1));
    }
    if (!kept.insert(label).second) fail(std::to_string(label) + " twice", "each class once");
  }
  if (config.selected_classes.size() == 1) fail("one class", "at least two, or an empty list for all");
}

void check_shape(const Config& config, const std::string& file) {
  if (config.dimension.size() < 2 && config.distance == "ssim") {
    throw InputError(file, "dimension", "a single value", "at least two: SSIM compares variances");
  }
  if (config.hidden_layers.size() > 64) {
    throw InputError(file, "model.hidden_layer", "more than 64 layers", "at most 64");
  }
}

void check_reference_class(const Config& config, const std::string& file) {
  const int64_t classes = number_of_classes(config);
  if (config.reference_class < classes) return;
  throw InputError(file, "ri.class_idx", std::to_string(config.reference_class),
                   "the number of an output, 0 to " + std::to_string(classes - 1) +
                       (config.selected_classes.empty() ? "" : ": a position in model.selected_classes"));
}

}  // namespace

std::string located(const Config& config, const std::string& name) {
  return std::filesystem::path(config.base) / name;
}

Config parse_config(const std::string& text, const std::string& file) {
  Config config = Reader(file).read(parse_json_tree(text, file));
  check_shape(config, file);
  check_classes(config, file);
  check_reference_class(config, file);
  neighbourhood_of(config, file);
  return config;
}

void check_training(const Config& config) {
  check_shape(config, "");
  check_classes(config, "");
}

Config read_config(const std::string& file) {
  constexpr uint64_t kLargest = 1 << 24;
  return parse_config(read_text_file(file, kLargest), file);
}

namespace {

std::string reference_list_json(const Config& config) {
  std::string text;
  for (const ReferenceEntry& entry : config.reference_list) {
    Config one;
    one.reference_path = entry.path;
    text += (text.empty() ? "[\n" : ",\n") + std::string("    {\"path\": ") +
            value_as_json(config_key("ri.path"), one) + ", \"class_idx\": " + std::to_string(entry.class_idx);
    if (entry.threshold) text += ", \"threshold\": " + entry.threshold->text();
    text += "}";
  }
  return text + "\n  ]";
}

// Of the ways to name references only the one that is used is printed.
bool is_printed(const Key& key, const Config& config) {
  if (!key.name.starts_with("ri.")) return true;
  if (key.name == "ri.path" || key.name == "ri.class_idx") return !config.reference_path.empty();
  if (key.name == "ri.csv") return !config.reference_csv.empty();
  if (key.name == "ri.folder") return !config.reference_folder.empty();
  return config.reference_first > 0;
}

}  // namespace

std::string print_config(const Config& config) {
  std::string text = "{";
  std::string open;  // the section being printed
  const char* separator = "\n";
  for (const Key& key : config_keys()) {
    if (key.name == "ri.path" && !config.reference_list.empty()) {
      text += std::string(separator) + "  \"ri\": " + reference_list_json(config);
      separator = ",\n";
    }
    if (!is_printed(key, config)) continue;
    const size_t dot = key.name.find('.');
    const std::string section(dot == std::string_view::npos ? "" : key.name.substr(0, dot));
    if (section != open) {
      if (!open.empty()) text += "\n  }";
      text += separator;
      if (!section.empty()) text += "  \"" + section + "\": {\n";
      open = section;
    } else {
      text += separator;
    }
    text += (section.empty() ? "  \"" : "    \"") + std::string(last_part(key.name)) +
            "\": " + value_as_json(key, config);
    separator = ",\n";
  }
  return text + (open.empty() ? "\n}\n" : "\n  }\n}\n");
}

std::string config_reference() {
  const Config defaults;
  std::string text = "| key | allowed | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const Key& key : config_keys()) {
    const std::string standard = key.required ? "(required)" : "`" + value_as_json(key, defaults) + "`";
    text += "| `" + std::string(key.name) + "` | " + allowed_values(key) + " | " + standard + " | " +
            std::string(key.meaning) + " |\n";
  }
  return text;
}

int64_t number_of_classes(const Config& config) {
  return config.selected_classes.empty() ? classes_of(config.dataset)
                                         : static_cast<int64_t>(config.selected_classes.size());
}

int64_t class_label(const Config& config, int64_t output) {
  return config.selected_classes.empty() ? output : config.selected_classes.at(static_cast<size_t>(output));
}

}  // namespace verissim::experiment
