#include "experiment/config.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "experiment/config_keys.h"
#include "experiment/json_tree.h"

namespace verissim::experiment {
namespace {

using Kind = JsonTree::Kind;

// The number of single letters to insert, delete or change that turns a into b.
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

std::string_view last_part(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// A key in the wrong section is as near as one that is misspelt.
std::string nearest_key(const std::string& name) {
  const auto distance = [&](const Key& key) {
    return std::min(edit_distance(name, key.name), 1 + edit_distance(last_part(name), last_part(key.name)));
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

// Sets one key's member from a value of the file.
class Setter {
 public:
  Setter(const std::string& file, const Key& key, const JsonTree& value, Config& config)
      : file_(file), key_(key), value_(value), config_(config) {}

  void operator()(std::string Config::*member) const {
    require(value_.kind == Kind::kText && !value_.text.empty());
    require(value_.text.find('\0') == std::string::npos);
    const auto choices = split_choices(key_.choices);
    require(choices.empty() || std::count(choices.begin(), choices.end(), value_.text) == 1);
    config_.*member = value_.text;
  }
  void operator()(int64_t Config::*member) const { config_.*member = integer(value_); }
  void operator()(bool Config::*member) const {
    require(value_.kind == Kind::kBool);
    config_.*member = value_.text == "true";
  }
  void operator()(double Config::*member) const {
    const double number = decimal().nearest();
    require(in_range(number));
    config_.*member = number;
  }
  void operator()(Decimal Config::*member) const {
    const Decimal number = decimal();
    const mpq_class low(key_.range.low);  // exactly: 1.00000000000000000001 is above 1
    require(number.exact() <= mpq_class(key_.range.high));
    require(key_.range.low_excluded ? number.exact() > low : number.exact() >= low);
    config_.*member = number;
  }
  void operator()(Shape Config::*member) const {
    const std::vector<int64_t> sizes = integers();
    require(sizes.size() == 3 && (sizes[0] == 1 || sizes[0] == 3));
    config_.*member = {sizes[0], sizes[1], sizes[2]};
  }
  void operator()(std::vector<int64_t> Config::*member) const {
    config_.*member = value_.kind == Kind::kNull ? std::vector<int64_t>{} : integers();
  }

 private:
  void require(bool condition) const {
    if (!condition) throw InputError(file_, std::string(key_.name), got(), allowed_values(key_));
  }

  // A list is shown with its elements, since one of them may be what is wrong.
  std::string got() const {
    if (value_.kind != Kind::kList || value_.children.empty() || value_.children.size() > 8)
      return describe(value_);
    std::string text;
    for (const auto& child : value_.children) {
      const bool plain = child.second.kind == Kind::kInteger || child.second.kind == Kind::kNumber;
      text += (text.empty() ? "[" : ", ") + (plain ? child.second.text : describe(child.second));
    }
    return text + "]";
  }

  bool in_range(double number) const {
    const Range& range = key_.range;
    return number <= range.high && (range.low_excluded ? number > range.low : number >= range.low);
  }

  int64_t integer(const JsonTree& value) const {
    require(value.kind == Kind::kInteger);
    int64_t number = 0;
    const char* end = value.text.data() + value.text.size();
    require(std::from_chars(value.text.data(), end, number).ec == std::errc{});
    require(in_range(static_cast<double>(number)));
    return number;
  }

  std::vector<int64_t> integers() const {
    require(value_.kind == Kind::kList);
    std::vector<int64_t> result;
    for (const auto& child : value_.children) result.push_back(integer(child.second));
    return result;
  }

  Decimal decimal() const {
    require(value_.kind == Kind::kInteger || value_.kind == Kind::kNumber);
    return Decimal::parse(value_.text, file_ + ": " + std::string(key_.name));
  }

  const std::string& file_;
  const Key& key_;
  const JsonTree& value_;
  Config& config_;
};

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
    return std::move(config_);
  }

 private:
  void section(const JsonTree& object, const std::string& prefix) {
    for (const auto& [name, value] : object.children) {
      const std::string path = prefix + name;
      if (const Key* key = find(path)) {
        set(*key, value);
      } else if (!is_section(path)) {
        throw InputError(file_ + ": " + printable(path) + ": this key is not known; did you mean " +
                         nearest_key(printable(path)) + "?");
      } else if (value.kind != Kind::kObject) {
        throw InputError(file_, path, describe(value), "an object { ... }");
      } else {
        section(value, path + ".");
      }
    }
  }

  static std::string printable(std::string path) {
    for (char& c : path) {
      if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
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
    std::visit(Setter(file_, key, value, config_), key.member);
    seen_.insert(key.name);
  }

  const std::string& file_;
  Config config_;
  std::set<std::string_view> seen_;
};

int64_t classes_of(const std::string& dataset) { return dataset == "GTSRB" ? 43 : 10; }

// What no single key shows.
void check_consistency(const Config& config, const std::string& file) {
  const auto fail = [&](const char* key, const std::string& got, const std::string& wanted) {
    throw InputError(file, key, got, wanted);
  };
  if (config.dimension.size() < 2)
    fail("dimension", "a single value", "at least two: SSIM compares variances");
  const int64_t labels = classes_of(config.dataset);
  std::set<int64_t> kept;
  for (const int64_t label : config.selected_classes) {
    if (label >= labels) {
      fail("model.selected_classes", std::to_string(label),
           "classes of " + config.dataset + ", 0 to " + std::to_string(labels - 1));
    }
    if (!kept.insert(label).second)
      fail("model.selected_classes", std::to_string(label) + " twice", "each class once");
  }
  if (config.selected_classes.size() == 1) {
    fail("model.selected_classes", "one class", "at least two, or an empty list for all");
  }
  if (config.hidden_layers.size() > 64) fail("model.hidden_layer", "more than 64 layers", "at most 64");
  const int64_t classes = number_of_classes(config);
  if (config.reference_class >= classes) {
    fail("ri.class_idx", std::to_string(config.reference_class),
         "the number of an output, 0 to " + std::to_string(classes - 1) +
             (config.selected_classes.empty() ? "" : ": a position in model.selected_classes"));
  }
}

}  // namespace

Config parse_config(const std::string& text, const std::string& file) {
  Config config = Reader(file).read(parse_json_tree(text, file));
  check_consistency(config, file);
  return config;
}

Config read_config(const std::string& file) {
  constexpr uint64_t kLargest = 1 << 24;
  return parse_config(read_text_file(file, kLargest), file);
}

std::string print_config(const Config& config) {
  std::string text = "{";
  std::string open;  // the section being printed
  const char* separator = "\n";
  for (const Key& key : config_keys()) {
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
