#include "network/script_syntax.h"

#include <cctype>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int kMostLevels = 200;  // of expressions and blocks within each other

enum class TokenKind { kName, kNumber, kText, kMark, kNewline, kIndent, kDedent, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int64_t line = 0;
};

class Lexer {
 public:
  Lexer(const std::string& file, const std::string& part, std::string_view text)
      : file_(file), part_(part), text_(text) {}

  std::vector<Token> read() {
    while (at_ < text_.size()) {
      if (at_line_start_ && depth_ == 0 && !indentation()) continue;
      token();
    }
    if (!at_line_start_) add(TokenKind::kNewline, "");
    for (; indents_.size() > 1; indents_.pop_back()) add(TokenKind::kDedent, "");
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  InputError refuse(const std::string& got, const std::string& wanted) const {
    return {file_, part_ + ", line " + std::to_string(line_), got, wanted};
  }

  // False for lines without anything.
  bool indentation() {
    const size_t first = std::min(text_.find_first_not_of(' ', at_), text_.size());
    if (first == text_.size() || text_[first] == '\n' || text_[first] == '#') {
      at_ = std::min(text_.find('\n', first), text_.size());
      if (at_ < text_.size()) ++at_, ++line_;
      return false;
    }
    const size_t width = first - at_;
    at_ = first;
    at_line_start_ = false;
    if (width > indents_.back()) {
      indents_.push_back(width);
      add(TokenKind::kIndent, "");
    }
    for (; width < indents_.back(); indents_.pop_back()) add(TokenKind::kDedent, "");
    if (width != indents_.back()) throw refuse("an indentation that fits no line above", "one that does");
    return true;
  }

  void token() {
    const char c = text_[at_];
    if (c == '\n') {
      if (depth_ == 0) add(TokenKind::kNewline, "");
      at_line_start_ = depth_ == 0;
      ++at_, ++line_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (is_word(c) && !is_digit(c)) {
      add(TokenKind::kName, take([](char d) { return is_word(d); }));
    } else if (is_digit(c)) {
      number();
    } else if (c == '"' || c == '\'') {
      string(c);
    } else {
      mark(c);
    }
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

  template <typename Fits>
  std::string take(Fits fits) {
    const size_t first = at_;
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    return std::string(text_.substr(first, at_ - first));
  }

  void number() {
    std::string text = take([](char c) { return is_word(c) || c == '.'; });
    if ((text.back() == 'e' || text.back() == 'E') && at_ < text_.size()) {
      text += text_[at_++];
      text += take(is_digit);
    }
    add(TokenKind::kNumber, std::move(text));
  }

  void string(char quote_mark) {
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != quote_mark && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    if (at_ >= text_.size() || text_[at_] != quote_mark)
      throw refuse("a text without end", "one with an end");
    ++at_;
    add(TokenKind::kText, std::move(text));
  }

  void mark(char c) {
    constexpr std::string_view kMarks = "()[]{},:.=-";
    if (kMarks.find(c) == std::string_view::npos) {
      throw refuse("the character " + quote(std::string(1, c)), "code that torch.jit.save writes");
    }
    if (c == '(' || c == '[' || c == '{') ++depth_;
    if ((c == ')' || c == ']' || c == '}') && depth_ > 0) --depth_;
    const bool arrow = c == '-' && at_ + 1 < text_.size() && text_[at_ + 1] == '>';
    add(TokenKind::kMark, arrow ? "->" : std::string(1, c));
    at_ += arrow ? 2 : 1;
  }

  const std::string& file_;
  const std::string& part_;
  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int depth_ = 0;  // of brackets
  bool at_line_start_ = true;
  std::vector<size_t> indents_{0};
  std::vector<Token> tokens_;
};

class Parser {
 public:
  Parser(const std::string& file, const std::string& part, std::vector<Token> tokens)
      : file_(file), part_(part), tokens_(std::move(tokens)) {}

  ScriptFile read() {
    while (!is(TokenKind::kEnd)) {
      if (is_name("class")) {
        read_class();
      } else if (is_name("def")) {
        read_function("");
      } else {
        skip_line();
      }
    }
    return std::move(result_);
  }

 private:
  const Token& now() const { return tokens_[at_]; }
  bool is(TokenKind kind) const { return now().kind == kind; }
  bool is_mark(std::string_view text) const { return is(TokenKind::kMark) && now().text == text; }
  bool is_name(std::string_view text) const { return is(TokenKind::kName) && now().text == text; }
  const Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }

  InputError refuse(const std::string& wanted) const {
    const std::string got = now().text.empty() ? "the end of a line or block" : quote(now().text);
    return {file_, part_ + ", line " + std::to_string(now().line), got, wanted};
  }

  bool accept(std::string_view mark) {
    if (!is_mark(mark)) return false;
    next();
    return true;
  }
  void expect(std::string_view mark) {
    if (!accept(mark)) throw refuse(quote(std::string(mark)));
  }
  std::string expect_name() {
    if (!is(TokenKind::kName)) throw refuse("a name");
    return next().text;
  }
  void expect(TokenKind kind, const char* what) {
    if (!is(kind)) throw refuse(what);
    next();
  }

  // Declarations of attributes say nothing that the archive's data do not.
  void skip_line() {
    while (!is(TokenKind::kNewline) && !is(TokenKind::kEnd)) next();
    while (is(TokenKind::kNewline) || is(TokenKind::kIndent) || is(TokenKind::kDedent)) next();
  }

  void read_class() {
    next();
    const std::string name = expect_name();
    while (!is_mark(":")) {
      if (is(TokenKind::kNewline) || is(TokenKind::kEnd)) throw refuse("':'");
      next();
    }
    next();
    expect(TokenKind::kNewline, "a new line");
    expect(TokenKind::kIndent, "a class's body");
    while (!is(TokenKind::kDedent) && !is(TokenKind::kEnd)) {
      if (is_name("def")) {
        read_function(name + ".");
        continue;
      }
      read_hooks(name);
      while (!is(TokenKind::kNewline) && !is(TokenKind::kEnd)) next();
      if (is(TokenKind::kNewline)) next();
    }
    if (is(TokenKind::kDedent)) next();
  }

  // "__forward_hooks__ = ["name", ]": what is called in front of or behind the class's function forward.
  void read_hooks(const std::string& name) {
    if (!is_name("__forward_hooks__") && !is_name("__forward_pre_hooks__")) return;
    next();
    if (!accept("=") || !accept("[") || !is_mark("]")) result_[name + ".__forward_hooks__"] = {};
  }

  void read_function(const std::string& prefix) {
    next();
    ScriptFunction function;
    function.name = prefix + expect_name();
    expect("(");
    while (!accept(")")) {
      ScriptParameter parameter;
      parameter.name = expect_name();
      if (accept(":")) expression(0);
      if (accept("=")) {
        parameter.has_default = true;
        parameter.otherwise = expression(0);
      }
      function.parameters.push_back(std::move(parameter));
      if (!is_mark(")")) expect(",");
    }
    if (accept("->")) expression(0);
    expect(":");
    function.body = block(0);
    const std::string name = function.name;
    if (!result_.emplace(name, std::move(function)).second) {
      throw InputError(file_, part_, "two functions " + quote(name), "one");
    }
  }

  std::vector<ScriptStatement> block(int level) {
    if (level > kMostLevels) throw refuse("fewer blocks within each other");
    expect(TokenKind::kNewline, "a new line");
    expect(TokenKind::kIndent, "a block");
    std::vector<ScriptStatement> statements;
    while (!is(TokenKind::kDedent)) {
      if (is(TokenKind::kEnd)) throw refuse("the rest of a block");
      statements.push_back(statement(level));
    }
    next();
    return statements;
  }

  ScriptStatement statement(int level) {
    ScriptStatement result;
    result.line = now().line;
    if (is_name("if")) return conditional(level);
    if (is_name("for") || is_name("while")) return loop(level);
    if (is_name("pass")) {
      next();
    } else if (is_name("return")) {
      next();
      result.kind = ScriptStatementKind::kReturn;
      result.value = is(TokenKind::kNewline) ? named("None") : expression(0);
    } else if (is_assignment()) {
      result.kind = ScriptStatementKind::kAssign;
      while (!accept("=")) {
        result.targets.push_back(expect_name());
        if (accept(",")) result.unpacks = true;
      }
      result.value = expression(0);
    } else {
      result.kind = ScriptStatementKind::kExpression;
      result.value = expression(0);
    }
    expect(TokenKind::kNewline, "the end of the line");
    return result;
  }

  // "a = ", "a, b, = "
  bool is_assignment() const {
    size_t k = at_;
    while (tokens_[k].kind == TokenKind::kName) {
      ++k;
      if (tokens_[k].kind != TokenKind::kMark) return false;
      if (tokens_[k].text == "=") return true;
      if (tokens_[k].text != ",") return false;
      ++k;
      if (tokens_[k].kind == TokenKind::kMark && tokens_[k].text == "=") return true;
    }
    return false;
  }

  ScriptStatement conditional(int level) {
    ScriptStatement result;
    result.kind = ScriptStatementKind::kIf;
    result.line = next().line;
    result.value = expression(0);
    expect(":");
    result.body = block(level + 1);
    if (is_name("else")) {
      next();
      expect(":");
      result.otherwise = block(level + 1);
    }
    return result;
  }

  // What it repeats is parsed, but never run.
  ScriptStatement loop(int level) {
    ScriptStatement result;
    result.kind = ScriptStatementKind::kLoop;
    result.line = now().line;
    while (!is_mark(":")) {
      if (is(TokenKind::kNewline) || is(TokenKind::kEnd)) throw refuse("':'");
      next();
    }
    next();
    result.body = block(level + 1);
    return result;
  }

  ScriptExpression named(const std::string& text) const {
    ScriptExpression result;
    result.line = now().line;
    result.text = text;
    return result;
  }

  ScriptExpression expression(int level) {
    if (level > kMostLevels) throw refuse("fewer expressions within each other");
    ScriptExpression result = primary(level);
    while (true) {
      ScriptExpression outer;
      outer.line = now().line;
      if (accept(".")) {
        outer.kind = ScriptKind::kAttribute;
        outer.text = expect_name();
        outer.parts.push_back(std::move(result));
      } else if (accept("(")) {
        outer.kind = ScriptKind::kCall;
        outer.parts.push_back(std::move(result));
        arguments(outer, level);
      } else if (accept("[")) {
        outer.kind = ScriptKind::kIndex;
        outer.parts.push_back(std::move(result));
        list(outer, "]", level);
      } else {
        return result;
      }
      result = std::move(outer);
      if (++level > kMostLevels) throw refuse("fewer expressions within each other");
    }
  }

  void list(ScriptExpression& outer, std::string_view end, int level) {
    while (!accept(end)) {
      outer.parts.push_back(expression(level + 1));
      if (!is_mark(end)) expect(",");
    }
  }

  void arguments(ScriptExpression& call, int level) {
    while (!accept(")")) {
      const Token& after = tokens_[std::min(at_ + 1, tokens_.size() - 1)];
      const bool by_name = is(TokenKind::kName) && after.kind == TokenKind::kMark && after.text == "=";
      call.names.push_back(by_name ? expect_name() : "");
      if (by_name) expect("=");
      call.parts.push_back(expression(level + 1));
      if (!is_mark(")")) expect(",");
    }
  }

  ScriptExpression primary(int level) {
    ScriptExpression result;
    result.line = now().line;
    if (accept("-")) return number(true);
    if (is(TokenKind::kNumber)) return number(false);
    if (is(TokenKind::kName)) {
      result.text = next().text;
    } else if (is(TokenKind::kText)) {
      result.kind = ScriptKind::kText;
      result.text = next().text;
    } else if (accept("[")) {
      result.kind = ScriptKind::kList;
      list(result, "]", level);
    } else if (accept("(")) {
      return parenthesis(level);
    } else {
      throw refuse("an expression that torch.jit.save writes");
    }
    return result;
  }

  // A tuple, if there is a comma.
  ScriptExpression parenthesis(int level) {
    ScriptExpression tuple;
    tuple.line = now().line;
    tuple.kind = ScriptKind::kTuple;
    bool comma = is_mark(")");
    while (!accept(")")) {
      tuple.parts.push_back(expression(level + 1));
      if (accept(",")) {
        comma = true;
      } else if (!is_mark(")")) {
        throw refuse("')'");
      }
    }
    return comma ? tuple : std::move(tuple.parts.front());
  }

  ScriptExpression number(bool negative) {
    ScriptExpression result;
    result.line = now().line;
    if (!is(TokenKind::kNumber)) throw refuse("a number");
    const std::string text = (negative ? "-" : "") + now().text;
    const char* end = text.data() + text.size();
    result.kind = ScriptKind::kInteger;
    const auto as_integer = std::from_chars(text.data(), end, result.integer);
    if (as_integer.ec != std::errc() || as_integer.ptr != end) {
      result.kind = ScriptKind::kReal;
      const auto as_real = std::from_chars(text.data(), end, result.real);
      if (as_real.ec != std::errc() || as_real.ptr != end) throw refuse("a number");
    }
    next();
    return result;
  }

  const std::string& file_;
  const std::string& part_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  ScriptFile result_;
};

}  // namespace

ScriptFile parse_script(const std::string& file, const std::string& part, std::string_view text) {
  return Parser(file, part, Lexer(file, part, text).read()).read();
}

}  // namespace verissim::network
