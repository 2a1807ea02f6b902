// A reader of Python pickles that only ever builds data. Where a pickle asks for a function to be called, the
// host decides by the function's name what value stands there, or refuses the file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "network/pickle_value.h"

namespace verissim::network {

// What the pickle's owner makes of calls and of references to outside. Both throw InputError on what they
// refuse; `place` says where in the file it stands.
class PickleHost {
 public:
  virtual ~PickleHost() = default;
  virtual PickleValue call(const std::string& place, const std::string& function,
                           const std::vector<PickleRef>& arguments) = 0;
  virtual PickleValue persistent(const std::string& place, PickleRef id) = 0;
};

// Reads one pickle of protocol 2 to 5.
// Source: CPython, Lib/pickletools.py, which documents every opcode.
class Unpickler {
 public:
  // The values are put into `arena`. Errors name `file` and "<part>, byte <n>".
  Unpickler(std::string file, std::string part, std::span<const std::byte> data, PickleHost& host,
            PickleArena& arena);

  // The value of the pickle. Throws InputError when the data ends early, is malformed, holds an opcode that
  // PyTorch does not write, or exceeds the caps on values and nesting.
  PickleRef read();
  // The number of bytes used, after read().
  size_t position() const { return position_; }

 private:
  using Value = PickleValue*;

  [[noreturn]] void fail(const std::string& got, const std::string& wanted) const;
  std::string place() const;

  std::span<const std::byte> take(uint64_t count);
  uint64_t take_unsigned(size_t bytes);
  std::string take_text(uint64_t count);
  std::string take_line();

  void push(Value value);
  template <typename T>
  void push_new(T data);
  Value make(PickleValue value);
  Value pop();
  std::vector<Value> pop_to_mark();
  std::vector<PickleRef> pop_items();
  Value top();

  // Each handles the opcodes of one kind and says whether `op` was one of them.
  bool step_constant(unsigned op);
  bool step_text(unsigned op);
  bool step_stack(unsigned op);
  bool step_memo(unsigned op);
  bool step_tuple(unsigned op);
  bool step_container(unsigned op);
  bool step_object(unsigned op);

  void push_long(uint64_t bytes);
  void push_tuple(size_t count);
  void memoize(uint64_t index);
  void recall(uint64_t index);
  void append(const std::vector<PickleRef>& items);
  void set_items(const std::vector<PickleRef>& keys_and_values);
  void push_dict(const std::vector<PickleRef>& keys_and_values);
  void push_global(Value module, Value name);
  void call();
  void new_object(bool with_keywords);
  void build();

  std::string file_;
  std::string part_;
  std::span<const std::byte> data_;
  PickleHost& host_;
  PickleArena& arena_;
  size_t position_ = 0;
  size_t opcode_position_ = 0;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Value> memo_;
};

}  // namespace verissim::network
