// The three kinds of error. A fault of ours: VERISSIM_CHECK, aborts with the place. A fault of the user's
// input: InputError, one line. What can happen to correct input is no error but a value (verdict, status).
#pragma once

#include <stdexcept>
#include <string>

namespace verissim {

// The user's input is wrong. what() is one line: "<file>: <place>: got <got>, wanted <wanted>";
// empty parts are left out, and a space stands for each control character.
class InputError : public std::runtime_error {
 public:
  InputError(const std::string& file, const std::string& place, const std::string& got,
             const std::string& wanted);
  explicit InputError(const std::string& message);
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line);

}  // namespace verissim

#define VERISSIM_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::verissim::fail_check(#condition, __FILE__, __LINE__))
