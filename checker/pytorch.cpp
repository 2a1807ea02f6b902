#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "model.h"

namespace check {
namespace {

// The entries of a ZIP archive.
class Zip {
 public:
  Zip(const Bytes& data, const std::string& file) : data_(data), file_(file) {
    demand(data.size() >= 22, file, "no ZIP archive, as torch.save writes");
    size_t end = data.size() - 22;
    while (end > 0 && from(end).word(4) != 0x06054b50) --end;
    Reader tail = from(end);
    demand(tail.word(4) == 0x06054b50, file, "no ZIP archive, as torch.save writes");
    tail.take(6);
    const uint64_t count = tail.word(2);
    tail.take(4);
    Reader directory = from(tail.word(4));
    for (uint64_t k = 0; k < count; ++k) {
      demand(directory.word(4) == 0x02014b50, file, "its ZIP directory is damaged");
      directory.take(6);
      Entry entry;
      entry.method = directory.word(2);
      directory.take(8);
      entry.packed = directory.word(4);
      entry.size = directory.word(4);
      const uint64_t name = directory.word(2);
      const uint64_t skipped = directory.word(2) + directory.word(2);
      directory.take(8);
      entry.offset = directory.word(4);
      const std::string text = directory.chars(name);
      directory.take(skipped);
      demand(entries_.emplace(text, entry).second, file, "an entry is there twice");
      if (!text.ends_with("/data.pkl")) continue;
      demand(folder.empty(), file, "it has more than one data.pkl");
      folder = text.substr(0, text.size() - 8);
    }
    demand(!folder.empty(), file, "it has no data.pkl");
  }

  std::string folder;  // of data.pkl, with its slash
  bool has(const std::string& name) const { return entries_.count(folder + name) > 0; }
  Bytes read(const std::string& name) const {
    const std::string place = file_ + ", entry " + name;
    demand(has(name), place, "it is not there");
    const Entry& entry = entries_.at(folder + name);
    Reader local = from(entry.offset);
    demand(local.word(4) == 0x04034b50, place, "it is damaged");
    local.take(22);
    const uint64_t skipped = local.word(2);
    local.take(skipped + local.word(2));
    const auto packed = local.take(entry.packed);
    demand(entry.method == 0 || entry.method == 8, place, "it is packed in an unknown way");
    Bytes bytes =
        entry.method == 8 ? unpack(packed, true, entry.size, place) : Bytes(packed.begin(), packed.end());
    demand(bytes.size() == entry.size, place, "it has another size than said");
    return bytes;
  }

 private:
  struct Entry {
    uint64_t method = 0, packed = 0, size = 0, offset = 0;
  };
  Reader from(uint64_t at) const {
    demand(at <= data_.size(), file_, "its ZIP directory is damaged");
    return Reader(std::span(data_).subspan(static_cast<size_t>(at)), file_);
  }

  const Bytes& data_;
  const std::string& file_;
  std::map<std::string, Entry> entries_;
};

// A pickled value. Items: of a tuple in their order, of a dictionary key, value, key, value.
struct Value {
  enum Type { kNone, kBool, kInt, kText, kTuple, kDict, kGlobal, kStorage, kTensor } type = kNone;
  int64_t number = 0;
  std::string text;
  std::vector<std::shared_ptr<Value>> items;
};
using Ref = std::shared_ptr<Value>;

// The opcodes that torch.save writes for a state_dict.
class Unpickler {
 public:
  Unpickler(Bytes data, const std::string& file) : data_(std::move(data)), in_(data_, file + ", data.pkl") {}

  Ref run() {
    for (uint8_t code = in_.byte(); code != '.'; code = in_.byte()) step(code);
    demand(stack_.size() == 1 && marks_.empty() && in_.at_end(), in_.place(), "it does not end as it should");
    return stack_.back();
  }

 private:
  void step(uint8_t code) {
    if (code == 0x80) {
      demand(in_.byte() == 2, in_.place(), "an unknown protocol");
    } else if (code == '(') {
      marks_.push_back(stack_.size());
    } else if (code == 'N') {
      push(Value::kNone);
    } else if (code == 0x88 || code == 0x89) {
      push(Value::kBool);
    } else if (code == 'K' || code == 'M') {
      push(Value::kInt, static_cast<int64_t>(in_.word(code == 'K' ? 1 : 2)));
    } else if (code == 'J') {
      push(Value::kInt, static_cast<int32_t>(in_.word(4)));
    } else if (code == 0x8a) {
      const int size = in_.byte();
      demand(size <= 8, in_.place(), "a number is too large");
      const uint64_t value = in_.word(size);
      demand(size == 0 || value >> (8 * size - 1) == 0, in_.place(), "a negative number");
      push(Value::kInt, static_cast<int64_t>(value));
    } else if (code == 'X') {
      push(Value::kText, 0, in_.chars(in_.word(4)));
    } else if (code == 'c') {
      const std::string module = line();
      push(Value::kGlobal, 0, module + "." + line());
    } else if (code == ')' || (code >= 0x85 && code <= 0x87) || code == 't') {
      std::vector<Ref> items = pop_all(code == ')' ? 0 : code == 't' ? marked() : code - 0x84U);
      push(Value::kTuple, 0, {}, std::move(items));
    } else if (code == '}') {
      push(Value::kDict);
    } else if (code == 'q' || code == 'r') {
      memo_[in_.word(code == 'q' ? 1 : 4)] = top();
    } else if (code == 'h' || code == 'j') {
      const auto found = memo_.find(in_.word(code == 'h' ? 1 : 4));
      demand(found != memo_.end(), in_.place(), "a value is recalled that is not there");
      stack_.push_back(found->second);
    } else if (code == 's' || code == 'u') {
      const std::vector<Ref> items = pop_all(code == 's' ? 2 : marked());
      demand(items.size() % 2 == 0 && top()->type == Value::kDict, in_.place(), "items of no dictionary");
      top()->items.insert(top()->items.end(), items.begin(), items.end());
    } else if (code == 'Q') {
      add_storage(pop_all(1)[0]);
    } else if (code == 'R') {
      reduce();
    } else if (code == 'b') {  // attributes of the dictionary (its _metadata) say nothing of the network
      pop_all(1);
      demand(top()->type == Value::kDict, in_.place(), "the state of an object");
    } else {
      in_.fail("an unknown opcode, " + std::to_string(code));
    }
  }

  void push(Value::Type type, int64_t number = 0, std::string text = {}, std::vector<Ref> items = {}) {
    stack_.push_back(std::make_shared<Value>(Value{type, number, std::move(text), std::move(items)}));
  }
  const Ref& top() const {
    demand(stack_.size() > (marks_.empty() ? 0 : marks_.back()), in_.place(), "a value is missing");
    return stack_.back();
  }
  // How many values lie above the last mark, which is removed.
  size_t marked() {
    demand(!marks_.empty(), in_.place(), "a mark is missing");
    const size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }
  std::vector<Ref> pop_all(size_t count) {
    demand(stack_.size() >= count + (marks_.empty() ? 0 : marks_.back()), in_.place(), "values are missing");
    std::vector<Ref> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::string line() {
    std::string result;
    for (char c = 0; (c = static_cast<char>(in_.byte())) != '\n';) result += c;
    return result;
  }
  // ("storage", class, key, device, number of elements)
  void add_storage(const Ref& id) {
    const auto& parts = id->items;
    const bool known = id->type == Value::kTuple && parts.size() == 5 && parts[0]->text == "storage" &&
                       parts[1]->type == Value::kGlobal && parts[2]->type == Value::kText &&
                       parts[4]->type == Value::kInt;
    demand(known, in_.place(), "an unknown kind of storage");
    push(Value::kStorage, parts[4]->number, parts[1]->text, {parts[2]});
  }
  void reduce() {
    const std::vector<Ref> call = pop_all(2);
    const auto& a = call[1]->items;
    const bool called = call[0]->type == Value::kGlobal && call[1]->type == Value::kTuple;
    if (called && call[0]->text == "collections.OrderedDict" && a.empty()) {
      push(Value::kDict);
    } else {
      demand(called && call[0]->text == "torch._utils._rebuild_tensor_v2" && a.size() >= 6, in_.place(),
             "a call of " + call[0]->text);
      demand(a[0]->type == Value::kStorage && a[1]->type == Value::kInt && a[2]->type == Value::kTuple &&
                 a[3]->type == Value::kTuple,
             in_.place(), "an unknown kind of tensor");
      push(Value::kTensor, a[1]->number, {}, {a[0], a[2], a[3]});
    }
  }

  Bytes data_;
  Reader in_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, Ref> memo_;
};

struct Array {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

// A contiguous tensor's numbers.
Array read_tensor(const Zip& zip, const Value& tensor, const std::string& place) {
  const Value& storage = *tensor.items[0];
  const bool is_double = storage.text == "torch.DoubleStorage";
  demand(is_double || storage.text == "torch.FloatStorage", place, "numbers of type " + storage.text);
  const auto& sizes = tensor.items[1]->items;
  const auto& strides = tensor.items[2]->items;
  demand(sizes.size() == strides.size() && !sizes.empty(), place, "sizes and strides do not fit");
  Array array;
  int64_t count = 1;
  for (size_t k = sizes.size(); k-- > 0;) {
    const int64_t size = sizes[k]->number;
    demand(sizes[k]->type == Value::kInt && strides[k]->type == Value::kInt && size > 0 && size < (1 << 28) &&
               count < (int64_t{1} << 31),
           place, "impossible sizes");
    demand(strides[k]->number == count || size == 1, place, "it is not contiguous");
    array.shape.insert(array.shape.begin(), size);
    count *= size;
  }
  const Bytes bytes = zip.read("data/" + storage.items[0]->text);
  const int width = is_double ? 8 : 4;
  const int64_t all = static_cast<int64_t>(bytes.size()) / width;
  demand(storage.number == all && tensor.number >= 0 && tensor.number <= all - count, place,
         "its numbers are missing");
  Reader in(bytes, place);
  in.take(static_cast<uint64_t>(tensor.number * width));
  for (int64_t i = 0; i < count; ++i) {
    const double value = is_double
                             ? std::bit_cast<double>(in.word(8))
                             : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(in.word(4))));
    demand(std::isfinite(value), place, "a number is not finite");
    array.values.push_back(value);
  }
  return array;
}

// "net.12.fc" as the text "net.#.fc" and the numbers 12: layers may differ in these alone, which order them.
std::pair<std::string, std::vector<int64_t>> split_name(const std::string& name, const std::string& place) {
  std::string text;
  std::vector<int64_t> numbers;
  for (size_t k = 0; k < name.size();) {
    size_t end = k;
    while (end < name.size() && name[end] >= '0' && name[end] <= '9') ++end;
    demand(end - k <= 9, place, "a number in its name is too long");
    text += end == k ? name[k] : '#';
    if (end > k) numbers.push_back(std::stoll(name.substr(k, end - k)));
    k = std::max(end, k + 1);
  }
  return {text, numbers};
}

}  // namespace

Network read_pytorch(const Bytes& data, const std::string& file) {
  const Zip zip(data, file);
  const Bytes little = {'l', 'i', 't', 't', 'l', 'e'};
  demand(!zip.has("byteorder") || zip.read("byteorder") == little, file, "an unknown order of bytes");
  const Ref root = Unpickler(zip.read("data.pkl"), file).run();
  demand(root->type == Value::kDict && !root->items.empty(), file, "it holds no state_dict");
  std::map<std::vector<int64_t>, std::map<std::string, Array>> layers;
  std::string pattern;
  for (size_t k = 0; k < root->items.size(); k += 2) {
    const std::string& key = root->items[k]->text;
    const std::string place = file + ", '" + key + "'";
    demand(root->items[k]->type == Value::kText && root->items[k + 1]->type == Value::kTensor, place,
           "no tensor");
    const size_t end = key.rfind('.') == std::string::npos ? 0 : key.rfind('.') + 1;
    const std::string kind = key.substr(end);
    demand(kind == "weight" || kind == "bias", place, "neither a weight nor a bias");
    const auto [text, numbers] = split_name(key.substr(0, end), place);
    demand(pattern.empty() || pattern == text + ".", place, "the order of the layers is not clear");
    pattern = text + ".";
    const bool is_new = layers[numbers].emplace(kind, read_tensor(zip, *root->items[k + 1], place)).second;
    demand(is_new, place, "it is there twice");
  }
  Network network;
  for (auto& [numbers, arrays] : layers) {
    const std::vector<int64_t> shape = arrays["weight"].shape;
    demand(shape.size() == 2, file, "a layer's weight is no matrix");
    Array bias{{shape[0]}, std::vector<double>(static_cast<size_t>(shape[0]), 0.0)};
    if (arrays.count("bias") > 0) bias = arrays["bias"];
    demand(bias.shape == std::vector<int64_t>{shape[0]}, file, "a bias does not fit its weight");
    network.add(
        {static_cast<size_t>(shape[1]), static_cast<size_t>(shape[0]), arrays["weight"].values, bias.values});
  }
  return network;
}

}  // namespace check
