// S-expressions, the outer syntax of VNN-LIB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace verissim::property {

// A word, or a list in parentheses. "..." and [...] are words, with their marks. Words point into the text.
struct Expression {
  std::string_view word;  // empty for a list
  std::vector<Expression> parts;
  int64_t line = 1;

  bool is_list() const { return word.empty(); }
};

// The text may be hostile: its nesting and the number of its parts are limited.
class ExpressionReader {
 public:
  // `file`: for messages. The text must outlive the reader and what it gives.
  ExpressionReader(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {}

  // The next expression; nothing at the end of the text. Throws InputError with file and line.
  std::optional<Expression> next();
  // "file: line 3: got ..., wanted ..."
  InputError error(int64_t line, const std::string& got, const std::string& wanted) const;

 private:
  void skip_blanks();
  std::string_view word();
  std::string_view until(char end);
  std::string_view take(size_t count);
  void count_part();

  std::string file_;
  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int64_t parts_ = 0;
};

// For a message: the word as far as it fits on a line, without what is no text.
std::string quoted(std::string_view word);

}  // namespace verissim::property
