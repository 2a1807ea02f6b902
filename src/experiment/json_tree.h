// JSON with comments as a tree that keeps what the usual readers lose: the digits of numbers as written, and
// that a key was given twice.
#pragma once

#include <string>
#include <vector>

namespace verissim::experiment {

struct JsonTree {
  enum class Kind { kNull, kBool, kInteger, kNumber, kText, kList, kObject };

  Kind kind = Kind::kNull;
  std::string text;  // of a text: its value; of a number: its digits; of a bool: "true" or "false"
  std::vector<JsonTree> children;
  std::string name;  // the key in the object that it belongs to
};

// Throws InputError for anything that is not one JSON value (with line and column), for duplicate keys, and
// for more than 32 levels of nesting.
JsonTree parse_json_tree(const std::string& text, const std::string& file);

// What a value is, for messages: "the number 1.5", "the text 'yes'", "a list", short however long the value
// is.
std::string describe(const JsonTree& value);

}  // namespace verissim::experiment
