#include "experiment/json_tree.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace verissim::experiment {
namespace {

using nlohmann::json;

constexpr size_t kDeepest = 32;

// Receives nlohmann's parsing events. Positions in the stack are objects and lists that are still open.
class TreeBuilder : public nlohmann::json_sax<json> {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  JsonTree take() { return std::move(root_); }

  bool null() override { return add(JsonTree::Kind::kNull, "null"); }
  bool boolean(bool value) override { return add(JsonTree::Kind::kBool, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return add(JsonTree::Kind::kInteger, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(JsonTree::Kind::kInteger, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& digits) override {
    return add(JsonTree::Kind::kNumber, digits);
  }
  bool string(string_t& value) override { return add(JsonTree::Kind::kText, value); }
  bool binary(binary_t&) override { return false; }  // JSON has no such values

  bool start_object(size_t) override { return open(JsonTree::Kind::kObject); }
  bool start_array(size_t) override { return open(JsonTree::Kind::kList); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    for (const auto& child : open_.back()->children) {
      if (child.name == name) throw InputError(file_, path() + name, "the same key twice", "each key once");
    }
    key_ = name;
    keys_.back() = name;
    return true;
  }

  bool parse_error(size_t, const std::string&, const json::exception& error) override {
    std::string what =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    throw InputError(file_, what, "", "");
  }

 private:
  std::string path() const {
    std::string result;
    for (size_t i = 0; i + 1 < keys_.size(); ++i) result += keys_[i] + ".";
    return result;
  }

  JsonTree* place(JsonTree value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    JsonTree& parent = *open_.back();
    if (parent.kind == JsonTree::Kind::kObject) value.name = key_;
    return &parent.children.emplace_back(std::move(value));
  }

  bool add(JsonTree::Kind kind, std::string text) {
    place({kind, std::move(text), {}, ""});
    return true;
  }

  bool open(JsonTree::Kind kind) {
    if (open_.size() >= kDeepest) throw InputError(file_, "", "more than 32 levels of nesting", "a config");
    open_.push_back(place({kind, "", {}, ""}));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  const std::string& file_;
  JsonTree root_;
  std::vector<JsonTree*> open_;    // a parent's children do not move while one of them is open
  std::vector<std::string> keys_;  // the key being read in each of them
  std::string key_;
};

}  // namespace

JsonTree parse_json_tree(const std::string& text, const std::string& file) {
  TreeBuilder builder(file);
  json::sax_parse(text, &builder, json::input_format_t::json, true, true);
  return builder.take();
}

std::string describe(const JsonTree& value) {
  constexpr size_t kShown = 60;
  std::string shown = value.text.size() <= kShown ? value.text : value.text.substr(0, kShown) + "...";
  switch (value.kind) {
    case JsonTree::Kind::kNull:
      return "null";
    case JsonTree::Kind::kBool:
      return shown;
    case JsonTree::Kind::kInteger:
    case JsonTree::Kind::kNumber:
      return "the number " + shown;
    case JsonTree::Kind::kText:
      return "the text '" + shown + "'";
    case JsonTree::Kind::kList:
      return "a list of " + std::to_string(value.children.size());
    case JsonTree::Kind::kObject:
      return "an object";
  }
  return "";
}

}  // namespace verissim::experiment
