#include "property/vnnlib.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "base/decimal.h"
#include "base/file.h"
#include "base/gzip.h"
#include "property/formula.h"
#include "property/sexpr.h"

namespace verissim::property {
namespace {

constexpr uint64_t kMostBytes = UINT64_C(1) << 28;
constexpr int64_t kMostElements = 10'000'000;  // of inputs or outputs

using Kind = Formula::Kind;

// sum of coefficient * variable + constant
struct Linear {
  std::map<Variable, mpq_class> terms;
  mpq_class constant;

  bool is_constant() const { return terms.empty(); }
  void add(const Linear& other, int sign) {
    for (const auto& [variable, coefficient] : other.terms) {
      mpq_class& own = terms[variable];
      own += sign * coefficient;
      if (own == 0) terms.erase(variable);
    }
    constant += sign * other.constant;
  }
  void scale(const mpq_class& factor) {
    if (factor == 0) terms.clear();
    for (auto& [variable, coefficient] : terms) coefficient *= factor;
    constant *= factor;
  }
};

// A declared tensor of version 2.0.
struct Tensor {
  bool output = false;
  std::vector<int64_t> shape;
};

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = !text.empty() && text.front() != '-';
  if (!plain || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "X_7", "Y_0": a variable of version 1.
std::optional<Variable> flat_variable(std::string_view word) {
  if (!word.starts_with("X_") && !word.starts_with("Y_")) return std::nullopt;
  const auto index = whole_number(word.substr(2));
  if (!index || *index >= kMostElements) return std::nullopt;
  return Variable{word.front() == 'Y', *index};
}

bool is_number(std::string_view word) {
  const size_t first = word.front() == '-' || word.front() == '+' ? 1 : 0;
  return first < word.size() && ((word[first] >= '0' && word[first] <= '9') || word[first] == '.');
}

Constraint make_constraint(Linear&& line, bool strict) {
  Constraint constraint;
  for (auto& [variable, coefficient] : line.terms) {
    constraint.terms.push_back({variable, std::move(coefficient)});
  }
  constraint.constant = std::move(line.constant);
  constraint.strict = strict;
  return constraint;
}

class Reader {
 public:
  Reader(std::string file, std::string_view text)
      : file_(file), expressions_(std::move(file), text), size_(static_cast<int64_t>(text.size())) {}

  Query run() {
    while (auto expression = expressions_.next()) command(*expression);
    if (inputs() == 0 || outputs() == 0) {
      throw InputError(file_, "", inputs() == 0 ? "no inputs" : "no outputs", "declarations of both");
    }
    check_all_declared();
    return normal_form(file_, std::move(formulas_), inputs(), outputs());
  }

 private:
  int64_t inputs() const { return static_cast<int64_t>(declared_[0].size()); }
  int64_t outputs() const { return static_cast<int64_t>(declared_[1].size()); }

  [[noreturn]] void fail(const Expression& at, const std::string& got, const std::string& wanted) const {
    throw expressions_.error(at.line, got, wanted);
  }

  static std::string shown(const Expression& e) { return e.is_list() ? "a list" : quoted(e.word); }

  // The word that a list begins with.
  std::string_view head(const Expression& list) const {
    if (!list.is_list()) fail(list, shown(list), "a list in parentheses");
    if (list.parts.empty()) fail(list, "an empty list", "a word and what belongs to it");
    if (list.parts.front().is_list()) fail(list, "a list", "a word");
    return list.parts.front().word;
  }

  void want_parts(const Expression& list, size_t least, size_t most, const char* form) const {
    if (list.parts.size() < least || list.parts.size() > most) {
      fail(list,
           quoted(list.parts.front().word) + " with " + std::to_string(list.parts.size() - 1) + " parts",
           form);
    }
  }

  void command(const Expression& list) {
    const std::string_view word = head(list);
    if (word == "assert") {
      want_parts(list, 2, 2, "(assert FORMULA)");
      formulas_.push_back(formula(list.parts[1]));
    } else if (word == "declare-const" || word == "declare-fun") {
      declare_flat(list, word == "declare-fun");
    } else if (word == "vnnlib-version") {
      version(list);
    } else if (word == "declare-network") {
      network(list);
    } else if (word != "set-logic" && word != "set-info" && word != "check-sat" && word != "exit") {
      fail(list, quoted(word), "assert or a declaration");
    }
  }

  void version(const Expression& list) const {
    want_parts(list, 2, 2, "(vnnlib-version <2.0>)");
    const std::string_view number = list.parts[1].word;
    constexpr std::array<std::string_view, 4> kKnown = {"<2.0>", "2.0", "<1.0>", "1.0"};
    if (std::find(kKnown.begin(), kKnown.end(), number) == kKnown.end())
      fail(list, shown(list.parts[1]), "<1.0> or <2.0>");
  }

  void declare_flat(const Expression& list, bool as_function) {
    const size_t type = as_function ? 3 : 2;
    want_parts(list, type + 1, type + 1,
               as_function ? "(declare-fun X_0 () Real)" : "(declare-const X_0 Real)");
    const auto variable = flat_variable(list.parts[1].word);
    if (!variable || network_)
      fail(list, shown(list.parts[1]), network_ ? "one kind of declaration" : "X_0, Y_0, ...");
    if (list.parts[type].word != "Real") fail(list, shown(list.parts[type]), "Real");
    if (as_function && (!list.parts[2].is_list() || !list.parts[2].parts.empty()))
      fail(list, shown(list.parts[2]), "(), a variable");
    if (variable->index >= size_)  // each of those before has a declaration of its own
      fail(list, shown(list.parts[1]), "declarations without gaps");
    auto& known = declared_[variable->output ? 1 : 0];
    const auto i = static_cast<size_t>(variable->index);
    if (i >= known.size()) known.resize(i + 1, 0);
    if (known[i] != 0) fail(list, quoted(list.parts[1].word) + " a second time", "one declaration");
    known[i] = 1;
  }

  void network(const Expression& list) {
    if (network_ || inputs() + outputs() > 0) fail(list, "a second network", "one network");
    network_ = true;
    want_parts(list, 2, list.parts.size(), "(declare-network NAME (declare-input ...) (declare-output ...))");
    for (size_t i = 2; i < list.parts.size(); ++i) {
      const std::string_view word = head(list.parts[i]);
      if (word != "declare-input" && word != "declare-output")
        fail(list.parts[i], quoted(word), "declare-input or declare-output, all that is supported");
      tensor(list.parts[i], word == "declare-output");
    }
  }

  void tensor(const Expression& list, bool output) {
    want_parts(list, 4, 5, "(declare-input NAME TYPE [SHAPE])");
    const std::string_view name = list.parts[1].word;
    constexpr std::array<std::string_view, 6> kTypes = {"Real",    "real",    "float32",
                                                        "float64", "float16", "bfloat16"};
    std::string type(list.parts[2].word);
    if (type.starts_with("Float")) type.front() = 'f';
    if (name.empty() || name.front() == '[') fail(list, shown(list.parts[1]), "a name");
    if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end())
      fail(list, shown(list.parts[2]), "Real or a floating-point type");
    if (list.parts.size() == 5 && (list.parts[4].is_list() || list.parts[4].word.front() != '"'))
      fail(list, shown(list.parts[4]), "a name in the model as \"...\"");
    auto& known = declared_[output ? 1 : 0];
    if (!known.empty()) fail(list, std::string("a second ") + (output ? "output" : "input"), "one");
    Tensor fresh{output, numbers(list.parts[3])};
    // Every input needs bounds, which are longer than a letter; outputs need not be named.
    const int64_t most = std::min(kMostElements, output ? 64 * size_ : size_);
    int64_t size = 1;
    for (const int64_t extent : fresh.shape) {
      if (extent == 0 || extent > most / size)
        fail(list, shown(list.parts[3]), "1 to " + std::to_string(most) + " elements in so short a file");
      size *= extent;
    }
    if (!tensors_.emplace(name, std::move(fresh)).second)
      fail(list, quoted(name) + " a second time", "another name");
    known.assign(static_cast<size_t>(size), 1);
  }

  // "[1,2]"; "[]" gives none.
  std::vector<int64_t> numbers(const Expression& e) const {
    if (e.is_list() || e.word.front() != '[') fail(e, shown(e), "numbers in brackets");
    std::string inner;
    for (const char c : e.word.substr(1, e.word.size() - 2)) {
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') inner += c;
    }
    std::vector<int64_t> result;
    for (size_t begin = 0; begin < inner.size();) {
      const size_t end = std::min(inner.size(), inner.find(',', begin));
      const auto number = whole_number(std::string_view(inner).substr(begin, end - begin));
      if (!number || end + 1 == inner.size()) fail(e, shown(e), "whole numbers and commas in brackets");
      result.push_back(*number);
      begin = end + 1;
    }
    return result;
  }

  void check_all_declared() const {
    for (const size_t kind : {0U, 1U}) {
      const auto gap = std::find(declared_[kind].begin(), declared_[kind].end(), 0);
      if (gap == declared_[kind].end()) continue;
      const std::string name = (kind == 0 ? "X_" : "Y_") + std::to_string(gap - declared_[kind].begin());
      throw InputError(file_, "", "no declaration of " + name, "declarations without gaps");
    }
  }

  Formula formula(const Expression& list) const {
    const std::string_view word = head(list);
    if (word == "and" || word == "or") {
      Formula result;
      result.kind = word == "and" ? Kind::kAll : Kind::kAny;
      if (list.parts.size() < 2) fail(list, quoted(word) + " of nothing", "at least one formula");
      for (size_t i = 1; i < list.parts.size(); ++i) result.parts.push_back(formula(list.parts[i]));
      return result;
    }
    return comparison(list, word);
  }

  Formula comparison(const Expression& list, std::string_view word) const {
    constexpr std::array<std::string_view, 7> kWords = {"<=", ">=", "<", ">", "==", "=", "!="};
    if (std::find(kWords.begin(), kWords.end(), word) == kWords.end())
      fail(list, quoted(word), "and, or, <=, >=, <, >, == or !=");
    size_t next = 1;
    Linear left = operand(list, next);
    const Linear right = operand(list, next);
    if (next != list.parts.size()) fail(list, quoted(word) + " of more than two", "two expressions");
    left.add(right, -1);
    Linear negated = left;
    negated.scale(-1);
    if (word == "<=" || word == "<") return atom(std::move(left), word == "<");
    if (word == ">=" || word == ">") return atom(std::move(negated), word == ">");
    Formula result;
    result.kind = word == "!=" ? Kind::kAny : Kind::kAll;
    result.parts = {atom(std::move(left), word == "!="), atom(std::move(negated), word == "!=")};
    return result;
  }

  static Formula atom(Linear&& line, bool strict) {
    return {Kind::kConstraint, make_constraint(std::move(line), strict), {}};
  }

  // The expression that begins at part `next` of a list, which moves on: X [0,1] is two parts.
  Linear operand(const Expression& list, size_t& next) const {
    if (next >= list.parts.size())
      fail(list, quoted(list.parts.front().word) + " without an operand", "an expression");
    const Expression& e = list.parts[next++];
    if (e.is_list()) return operation(e);
    if (is_number(e.word)) return {{}, number(e)};
    const Expression* index = nullptr;
    if (next < list.parts.size() && !list.parts[next].is_list() && list.parts[next].word.front() == '[')
      index = &list.parts[next++];
    Linear result;
    result.terms[variable(e, index)] = 1;
    return result;
  }

  mpq_class number(const Expression& e) const {
    try {
      return Decimal::parse(std::string(e.word), "").exact();
    } catch (const InputError&) {
      fail(e, quoted(e.word), "a decimal number with an exponent within -400 and 400");
    }
  }

  Variable variable(const Expression& e, const Expression* index) const {
    const auto tensor = tensors_.find(e.word);
    if (tensor != tensors_.end()) return element(e, tensor->second, index);
    const auto flat = network_ ? std::nullopt : flat_variable(e.word);
    if (index != nullptr && flat) fail(e, quoted(e.word) + " with an index", "a declared tensor");
    if (!flat) fail(e, quoted(e.word), "a number or a declared variable");
    const auto& known = declared_[flat->output ? 1 : 0];
    const auto i = static_cast<size_t>(flat->index);
    if (i >= known.size() || known[i] == 0) fail(e, quoted(e.word), "a declared variable");
    return *flat;
  }

  Variable element(const Expression& e, const Tensor& tensor, const Expression* index) const {
    const std::vector<int64_t> at = index == nullptr ? std::vector<int64_t>{} : numbers(*index);
    const std::string wanted = std::to_string(tensor.shape.size()) + " indices within its shape";
    if (at.size() != tensor.shape.size())
      fail(e, quoted(e.word) + " with " + std::to_string(at.size()) + " indices", wanted);
    int64_t place = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      if (at[i] >= tensor.shape[i]) fail(e, quoted(e.word) + shown(*index), wanted);
      place = place * tensor.shape[i] + at[i];
    }
    return {tensor.output, place};
  }

  Linear operation(const Expression& list) const {
    const std::string_view word = head(list);
    if (word != "+" && word != "-" && word != "*" && word != "/") fail(list, quoted(word), "+, -, * or /");
    size_t next = 1;
    Linear result = operand(list, next);
    const bool alone = next == list.parts.size();
    if (alone && word == "-") result.scale(-1);
    if (alone && word == "/") fail(list, "'/' with one operand", "two");
    while (next < list.parts.size()) {
      const Linear other = operand(list, next);
      if (word == "+" || word == "-") {
        result.add(other, word == "+" ? 1 : -1);
      } else if (word == "*") {
        multiply(list, result, other);
      } else {
        if (!other.is_constant() || other.constant == 0)
          fail(list, "a division by 0 or by a variable", "a number other than 0");
        result.scale(1 / other.constant);
      }
    }
    return result;
  }

  void multiply(const Expression& list, Linear& result, const Linear& other) const {
    if (!result.is_constant() && !other.is_constant())
      fail(list, "a product of variables", "linear expressions");
    if (other.is_constant()) {
      result.scale(other.constant);
    } else {
      const mpq_class factor = result.constant;
      result = other;
      result.scale(factor);
    }
  }

  std::string file_;
  ExpressionReader expressions_;
  int64_t size_;          // of the text
  bool network_ = false;  // declared as in version 2.0
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::array<std::vector<char>, 2> declared_;  // inputs and outputs, one for each element
  std::vector<Formula> formulas_;
};

}  // namespace

Query parse_vnnlib(const std::string& file, std::string_view text) { return Reader(file, text).run(); }

Query read_vnnlib(const std::string& path) {
  std::vector<std::byte> data = read_file(path, kMostBytes);
  if (is_gzip(data)) data = unpack_gzip(path, data, kMostBytes);
  return parse_vnnlib(path, {reinterpret_cast<const char*>(data.data()), data.size()});
}

}  // namespace verissim::property
