#include "property/sexpr.h"

#include <algorithm>

namespace verissim::property {
namespace {

constexpr size_t kDeepest = 100;
constexpr int64_t kMostParts = 20'000'000;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_word_character(char c) {
  constexpr std::string_view kMarks = "_-+*/<>=!.:@$%&~^?";
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
}

}  // namespace

std::string quoted(std::string_view word) {
  constexpr size_t kShown = 40;
  std::string text(word.substr(0, kShown));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "'" + text + (word.size() > kShown ? "...'" : "'");
}

InputError ExpressionReader::error(int64_t line, const std::string& got, const std::string& wanted) const {
  return {file_, "line " + std::to_string(line), got, wanted};
}

void ExpressionReader::skip_blanks() {
  while (at_ < text_.size()) {
    if (text_[at_] == ';') {
      at_ = std::min(text_.size(), text_.find('\n', at_));
    } else if (is_blank(text_[at_])) {
      if (text_[at_++] == '\n') ++line_;
    } else {
      return;
    }
  }
}

std::string_view ExpressionReader::take(size_t count) {
  const std::string_view word = text_.substr(at_, count);
  at_ += count;
  line_ += std::count(word.begin(), word.end(), '\n');
  return word;
}

// A word that begins with one mark and ends with another.
std::string_view ExpressionReader::until(char end) {
  const size_t last = text_.find(end, at_ + 1);
  if (last == std::string_view::npos) {
    throw error(line_, quoted(text_.substr(at_, 1)) + " without its end", std::string("'") + end + "'");
  }
  return take(last + 1 - at_);
}

std::string_view ExpressionReader::word() {
  if (text_[at_] == '[') return until(']');
  if (text_[at_] == '"') return until('"');
  size_t end = at_;
  while (end < text_.size() && is_word_character(text_[end])) ++end;
  if (end == at_) throw error(line_, quoted(text_.substr(at_, 1)), "a word, a number or a parenthesis");
  return take(end - at_);
}

void ExpressionReader::count_part() {
  if (++parts_ > kMostParts) {
    throw error(line_, "more than " + std::to_string(kMostParts) + " words and lists", "fewer");
  }
}

std::optional<Expression> ExpressionReader::next() {
  std::vector<Expression> open;
  while (true) {
    skip_blanks();
    if (at_ == text_.size()) {
      if (open.empty()) return std::nullopt;
      throw error(open.back().line, "'(' without its end", "')'");
    }
    Expression done;
    done.line = line_;
    if (text_[at_] == '(') {
      if (open.size() == kDeepest) {
        throw error(line_, "lists nested deeper than " + std::to_string(kDeepest), "fewer parentheses");
      }
      count_part();
      open.push_back(std::move(done));
      ++at_;
      continue;
    }
    if (text_[at_] == ')') {
      if (open.empty()) throw error(line_, "')' without its beginning", "'('");
      ++at_;
      done = std::move(open.back());
      open.pop_back();
    } else {
      count_part();
      done.word = word();
    }
    if (open.empty()) return done;
    open.back().parts.push_back(std::move(done));
  }
}

}  // namespace verissim::property
