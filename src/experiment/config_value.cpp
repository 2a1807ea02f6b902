#include "experiment/config_value.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace verissim::experiment {
namespace {

using Kind = JsonTree::Kind;

class Setter {
 public:
  Setter(const std::string& source, const std::string& place, const Key& key, const JsonTree& value,
         Config& config)
      : source_(source), place_(place), key_(key), value_(value), config_(config) {}

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
    if (!condition) throw InputError(source_, place_, got(), allowed_values(key_));
  }

  // A list is shown with its elements, since one of them may be what is wrong.
  std::string got() const {
    if (value_.kind != Kind::kList || value_.children.empty() || value_.children.size() > 8)
      return describe(value_);
    std::string text;
    for (const auto& child : value_.children) {
      const bool plain = child.kind == Kind::kInteger || child.kind == Kind::kNumber;
      text += (text.empty() ? "[" : ", ") + (plain ? child.text : describe(child));
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
    for (const auto& child : value_.children) result.push_back(integer(child));
    return result;
  }

  Decimal decimal() const {
    require(value_.kind == Kind::kInteger || value_.kind == Kind::kNumber);
    return Decimal::parse(value_.text, source_.empty() ? place_ : source_ + ": " + place_);
  }

  const std::string& source_;
  const std::string& place_;
  const Key& key_;
  const JsonTree& value_;
  Config& config_;
};

JsonTree scalar(const std::string& text) {
  const auto digits = text.starts_with("-") ? std::string_view(text).substr(1) : std::string_view(text);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_part = [&](char c) {
    return is_digit(c) || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+';
  };
  if (!std::any_of(digits.begin(), digits.end(), is_digit)) return {Kind::kText, text, {}, ""};
  if (std::all_of(digits.begin(), digits.end(), is_digit)) return {Kind::kInteger, text, {}, ""};
  return {std::all_of(digits.begin(), digits.end(), is_part) ? Kind::kNumber : Kind::kText, text, {}, ""};
}

JsonTree list(const std::string& text) {
  JsonTree result{Kind::kList, "", {}, ""};
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    result.children.push_back(scalar(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return result;
}

bool is_text(const Key& key) { return std::holds_alternative<std::string Config::*>(key.member); }

bool is_list(const Key& key) {
  return std::holds_alternative<std::vector<int64_t> Config::*>(key.member) ||
         std::holds_alternative<Shape Config::*>(key.member);
}

}  // namespace

void set_value(Config& config, const Key& key, const JsonTree& value, const std::string& file) {
  const std::string place(key.name);
  std::visit(Setter(file, place, key, value, config), key.member);
}

void set_from_text(Config& config, const Key& key, const std::string& text, const std::string& place) {
  const JsonTree value = is_text(key)   ? JsonTree{Kind::kText, text, {}, ""}
                         : is_list(key) ? list(text)
                                        : scalar(text);
  std::visit(Setter("", place, key, value, config), key.member);
}

}  // namespace verissim::experiment
