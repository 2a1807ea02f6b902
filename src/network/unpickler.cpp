#include "network/unpickler.h"

#include <array>
#include <bit>
#include <cstdio>

#include "base/error.h"
#include "network/pickle_opcodes.h"

namespace verissim::network {
namespace {

using namespace opcode;

// Far beyond any real file: a value needs an opcode, and a network of a thousand layers some 100,000 values.
constexpr size_t kMostValues = 4'000'000;
constexpr size_t kMostMarks = 10'000;

// An object whose entries are of no interest; those of a module would be its layers.
bool is_opaque(const PickleValue& value) {
  const auto* object = value.as<PickleObject>();
  return object != nullptr && !object->type.starts_with("torch.nn.") &&
         !object->type.starts_with("__torch__");
}

std::string hex(unsigned op) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%02x", op);
  return text.data();
}

}  // namespace

Unpickler::Unpickler(std::string file, std::string part, std::span<const std::byte> data, PickleHost& host,
                     PickleArena& arena)
    : file_(std::move(file)), part_(std::move(part)), data_(data), host_(host), arena_(arena) {}

PickleRef Unpickler::read() {
  if (take_unsigned(1) != kProto) fail("no pickle", "one of protocol 2 to 5");
  const uint64_t protocol = take_unsigned(1);
  if (protocol < 2 || protocol > 5) fail("pickle protocol " + std::to_string(protocol), "2 to 5");
  while (true) {
    opcode_position_ = position_;
    const auto op = static_cast<unsigned>(take_unsigned(1));
    if (op == kStop) break;
    const bool known = step_constant(op) || step_text(op) || step_stack(op) || step_memo(op) ||
                       step_tuple(op) || step_container(op) || step_object(op);
    if (!known) fail("pickle opcode " + hex(op), "one that PyTorch writes");
  }
  return pop();
}

void Unpickler::fail(const std::string& got, const std::string& wanted) const {
  throw InputError(file_, place(), got, wanted);
}

std::string Unpickler::place() const { return part_ + ", byte " + std::to_string(opcode_position_); }

std::span<const std::byte> Unpickler::take(uint64_t count) {
  if (count > data_.size() - position_) fail("the end of the data", "a whole pickle");
  const auto bytes = data_.subspan(position_, count);
  position_ += count;
  return bytes;
}

uint64_t Unpickler::take_unsigned(size_t bytes) {
  uint64_t value = 0;
  const auto taken = take(bytes);
  for (size_t k = 0; k < bytes; ++k) value |= static_cast<uint64_t>(taken[k]) << (8 * k);
  return value;
}

std::string Unpickler::take_text(uint64_t count) {
  const auto bytes = take(count);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string Unpickler::take_line() {
  std::string line;
  for (char c = 0; (c = static_cast<char>(take_unsigned(1))) != '\n';) line += c;
  return line;
}

void Unpickler::push(Value value) {
  if (stack_.size() >= kMostValues) fail("more than 4 million values", "fewer");
  stack_.push_back(value);
}

Unpickler::Value Unpickler::make(PickleValue value) {
  if (arena_.size() >= kMostValues) fail("more than 4 million values", "fewer");
  return &arena_.emplace_back(std::move(value));
}

template <typename T>
void Unpickler::push_new(T data) {
  push(make(PickleValue{std::move(data)}));
}

Unpickler::Value Unpickler::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

// Values below the last mark are out of reach, as in Python.
Unpickler::Value Unpickler::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("an empty stack", "a whole pickle");
  return stack_.back();
}

std::vector<Unpickler::Value> Unpickler::pop_to_mark() {
  if (marks_.empty()) fail("no mark on the stack", "a whole pickle");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Value> values(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return values;
}

std::vector<PickleRef> Unpickler::pop_items() {
  const std::vector<Value> values = pop_to_mark();
  return {values.begin(), values.end()};
}

bool Unpickler::step_constant(unsigned op) {
  switch (op) {
    case kNone:
      push_new(PickleNone{});
      return true;
    case kNewTrue:
      push_new(true);
      return true;
    case kNewFalse:
      push_new(false);
      return true;
    case kBinInt:
      push_new(int64_t{static_cast<int32_t>(take_unsigned(4))});
      return true;
    case kBinInt1:
      push_new(static_cast<int64_t>(take_unsigned(1)));
      return true;
    case kBinInt2:
      push_new(static_cast<int64_t>(take_unsigned(2)));
      return true;
    case kLong1:
      push_long(take_unsigned(1));
      return true;
    case kLong4:
      push_long(take_unsigned(4));
      return true;
    case kBinFloat:
      push_new(std::bit_cast<double>(__builtin_bswap64(take_unsigned(8))));
      return true;
    default:
      return false;
  }
}

// Two's complement of any length.
void Unpickler::push_long(uint64_t bytes) {
  if (bytes > 8) return push_new(PickleBytes{take_text(bytes)});
  if (bytes == 0) return push_new(int64_t{0});
  const uint64_t bits = take_unsigned(bytes);
  const auto unused = static_cast<unsigned>(64 - 8 * bytes);
  push_new(static_cast<int64_t>(bits << unused) >> unused);
}

bool Unpickler::step_text(unsigned op) {
  switch (op) {
    case kShortBinUnicode:
    case kShortBinString:
      push_new(take_text(take_unsigned(1)));
      return true;
    case kBinUnicode:
    case kBinString:
      push_new(take_text(take_unsigned(4)));
      return true;
    case kBinUnicode8:
      push_new(take_text(take_unsigned(8)));
      return true;
    case kShortBinBytes:
      push_new(PickleBytes{take_text(take_unsigned(1))});
      return true;
    case kBinBytes:
      push_new(PickleBytes{take_text(take_unsigned(4))});
      return true;
    case kBinBytes8:
    case kByteArray8:
      push_new(PickleBytes{take_text(take_unsigned(8))});
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_stack(unsigned op) {
  switch (op) {
    case kMark:
      if (marks_.size() >= kMostMarks) fail("more than 10,000 open brackets", "fewer");
      marks_.push_back(stack_.size());
      return true;
    case kPop:
      pop();
      return true;
    case kPopMark:
      pop_to_mark();
      return true;
    case kDup:
      push(top());
      return true;
    case kFrame:
      take_unsigned(8);
      return true;  // frames only help readers to buffer
    default:
      return false;
  }
}

bool Unpickler::step_memo(unsigned op) {
  switch (op) {
    case kBinPut:
      memoize(take_unsigned(1));
      return true;
    case kLongBinPut:
      memoize(take_unsigned(4));
      return true;
    case kMemoize:
      memoize(memo_.size());
      return true;
    case kBinGet:
      recall(take_unsigned(1));
      return true;
    case kLongBinGet:
      recall(take_unsigned(4));
      return true;
    default:
      return false;
  }
}

void Unpickler::memoize(uint64_t index) {
  if (memo_.size() >= kMostValues) fail("more than 4 million values", "fewer");
  memo_[index] = top();
}

void Unpickler::recall(uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail("memo entry " + std::to_string(index), "one that was stored before");
  push(found->second);
}

bool Unpickler::step_tuple(unsigned op) {
  switch (op) {
    case kEmptyTuple:
      push_tuple(0);
      return true;
    case kTuple1:
      push_tuple(1);
      return true;
    case kTuple2:
      push_tuple(2);
      return true;
    case kTuple3:
      push_tuple(3);
      return true;
    case kTuple:
      push_new(PickleTuple{pop_items()});
      return true;
    default:
      return false;
  }
}

void Unpickler::push_tuple(size_t count) {
  std::vector<PickleRef> items(count);
  for (size_t k = count; k-- > 0;) items[k] = pop();
  push_new(PickleTuple{std::move(items)});
}

bool Unpickler::step_container(unsigned op) {
  switch (op) {
    case kEmptyList:
    case kEmptySet:
      push_new(PickleList{});
      return true;
    case kList:
    case kFrozenSet:
      push_new(PickleList{pop_items()});
      return true;
    case kAppend:
      append({pop()});
      return true;
    case kAppends:
    case kAddItems:
      append(pop_items());
      return true;
    case kEmptyDict:
      push_new(PickleDict{});
      return true;
    case kDict:
      push_dict(pop_items());
      return true;
    case kSetItems:
      set_items(pop_items());
      return true;
    case kSetItem: {
      const Value value = pop();
      const Value key = pop();
      set_items({key, value});
      return true;
    }
    default:
      return false;
  }
}

void Unpickler::append(const std::vector<PickleRef>& items) {
  const Value target = top();
  if (auto* list = std::get_if<PickleList>(&target->data)) {
    list->items.insert(list->items.end(), items.begin(), items.end());
  } else if (!is_opaque(*target)) {  // what a list subclass holds is of no interest
    fail("items for " + describe(*target), "a list to put them into");
  }
}

void Unpickler::set_items(const std::vector<PickleRef>& keys_and_values) {
  const Value target = top();
  if (keys_and_values.size() % 2 != 0) fail("a key without a value", "a whole dict");
  if (auto* dict = std::get_if<PickleDict>(&target->data)) {
    for (size_t k = 0; k < keys_and_values.size(); k += 2) {
      dict->items.emplace_back(keys_and_values[k], keys_and_values[k + 1]);
    }
  } else if (!is_opaque(*target)) {
    fail("entries for " + describe(*target), "a dict to put them into");
  }
}

void Unpickler::push_dict(const std::vector<PickleRef>& keys_and_values) {
  push_new(PickleDict{});
  set_items(keys_and_values);
}

bool Unpickler::step_object(unsigned op) {
  switch (op) {
    case kGlobal: {
      std::string module = take_line();
      push_new(PickleGlobal{std::move(module) + "." + take_line()});
      return true;
    }
    case kStackGlobal: {
      const Value name = pop();
      push_global(pop(), name);
      return true;
    }
    case kReduce:
      call();
      return true;
    case kNewObj:
      new_object(false);
      return true;
    case kNewObjEx:
      new_object(true);
      return true;
    case kBuild:
      build();
      return true;
    case kBinPersId: {
      const Value id = pop();
      push(make(host_.persistent(place(), id)));
      return true;
    }
    default:
      return false;
  }
}

void Unpickler::push_global(Value module, Value name) {
  const auto* module_text = module->as<std::string>();
  const auto* name_text = name->as<std::string>();
  if (module_text == nullptr || name_text == nullptr) fail("a class without a name", "module and name");
  push_new(PickleGlobal{*module_text + "." + *name_text});
}

void Unpickler::call() {
  const Value arguments = pop();
  const Value function = pop();
  const auto* tuple = arguments->as<PickleTuple>();
  const auto* global = function->as<PickleGlobal>();
  if (tuple == nullptr || global == nullptr) fail("a call of " + describe(*function), "a named function");
  push(make(host_.call(place(), global->name, tuple->items)));
}

void Unpickler::new_object(bool with_keywords) {
  if (with_keywords) pop();
  pop();  // the constructor's arguments
  const Value type = pop();
  const auto* global = type->as<PickleGlobal>();
  if (global == nullptr) fail("an object of " + describe(*type), "one of a named class");
  push_new(PickleObject{global->name, nullptr});
}

void Unpickler::build() {
  const Value state = pop();
  const Value target = top();
  if (auto* object = std::get_if<PickleObject>(&target->data)) {
    if (object->state != nullptr) fail("attributes for " + describe(*target) + " again", "them once");
    object->state = state;
  } else if (target->as<PickleDict>() == nullptr) {
    // Attributes beside the entries, as `_metadata` of a state_dict, are of no interest.
    fail("attributes for " + describe(*target), "an object to put them into");
  }
}

}  // namespace verissim::network
