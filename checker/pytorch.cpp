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
    size_t end = data.size() < 22 ? 0 : data.size() - 22;
    const size_t first = end > 65535 ? end - 65535 : 0;
    while (end > first && !is_at(end, 0x06054b50)) --end;
    demand(data.size() >= 22 && is_at(end, 0x06054b50), file, "no ZIP archive, as torch.save writes");
    Reader tail = from(end + 10);
    const uint64_t count = tail.word(2);
    tail.word(4);
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
      const uint64_t extra = directory.word(2);
      const uint64_t comment = directory.word(2);
      directory.take(8);
      entry.offset = directory.word(4);
      const auto text = directory.take(name);
      directory.take(extra + comment);
      demand(entries_.emplace(std::string(text.begin(), text.end()), entry).second, file, "an entry is there twice");
    }
  }

  // The folder of the only data.pkl, with its slash.
  std::string folder() const {
    std::string found;
    for (const auto& [name, entry] : entries_) {
      if (!name.ends_with("/data.pkl")) continue;
      demand(found.empty(), file_, "it has more than one data.pkl");
      found = name.substr(0, name.size() - 8);
    }
    demand(!found.empty(), file_, "it has no data.pkl");
    return found;
  }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  Bytes read(const std::string& name) const {
    const auto found = entries_.find(name);
    demand(found != entries_.end(), file_, "it has no entry " + name);
    const Entry& entry = found->second;
    Reader local = from(entry.offset);
    demand(local.word(4) == 0x04034b50, file_, "entry " + name + " is damaged");
    local.take(22);
    const uint64_t skipped = local.word(2);
    local.take(skipped + local.word(2));
    const auto packed = local.take(entry.packed);
    demand(entry.method == 0 || entry.method == 8, file_, "entry " + name + " is packed in an unknown way");
    Bytes bytes = entry.method == 0 ? Bytes(packed.begin(), packed.end())
                                    : unpack(packed, true, entry.size, file_ + ", entry " + name);
    demand(bytes.size() == entry.size, file_, "entry " + name + " has another size than said");
    return bytes;
  }

 private:
  struct Entry {
    uint64_t method = 0, packed = 0, size = 0, offset = 0;
  };
  bool is_at(size_t at, uint32_t sign) const { return from(at).word(4) == sign; }
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

Ref make(Value::Type type, int64_t number = 0, std::string text = {}, std::vector<Ref> items = {}) {
  return std::make_shared<Value>(Value{type, number, std::move(text), std::move(items)});
}

// The opcodes that torch.save writes for a state_dict.
class Unpickler {
 public:
  Unpickler(const Bytes& data, const std::string& file) : in_(data, file + ", data.pkl") {}

  Ref run() {
    for (;;) {
      const uint8_t code = in_.byte();
      if (code == '.') break;
      step(code);
    }
    demand(stack_.size() == 1 && marks_.empty() && in_.at_end(), in_.place(), "it does not end as it should");
    return stack_.back();
  }

 private:
  void step(uint8_t code) {
    switch (code) {
      case 0x80: demand(in_.byte() == 2, in_.place(), "an unknown protocol"); break;
      case '(': marks_.push_back(stack_.size()); break;
      case 'N': push(make(Value::kNone)); break;
      case 0x88: push(make(Value::kBool, 1)); break;
      case 0x89: push(make(Value::kBool, 0)); break;
      case 'K': push(make(Value::kInt, static_cast<int64_t>(in_.word(1)))); break;
      case 'M': push(make(Value::kInt, static_cast<int64_t>(in_.word(2)))); break;
      case 'J': push(make(Value::kInt, static_cast<int32_t>(in_.word(4)))); break;
      case 0x8a: push(make(Value::kInt, long_number())); break;
      case 'X': push(make(Value::kText, 0, text(in_.word(4)))); break;
      case 'c': {
        const std::string module = line();
        push(make(Value::kGlobal, 0, module + "." + line()));
        break;
      }
      case ')': push(make(Value::kTuple)); break;
      case '}': push(make(Value::kDict)); break;
      case 0x85: tuple(1); break;
      case 0x86: tuple(2); break;
      case 0x87: tuple(3); break;
      case 't': tuple(marked()); break;
      case 'q': memo_[in_.word(1)] = top(); break;
      case 'r': memo_[in_.word(4)] = top(); break;
      case 'h': recall(in_.word(1)); break;
      case 'j': recall(in_.word(4)); break;
      case 's': set_items(2); break;
      case 'u': set_items(marked()); break;
      case 'Q': push(storage(pop())); break;
      case 'R': reduce(); break;
      case 'b': {  // attributes of the dictionary (its _metadata) say nothing of the network
        pop();
        demand(top()->type == Value::kDict, in_.place(), "the state of an object");
        break;
      }
      default: in_.fail("an unknown opcode, " + std::to_string(code));
    }
  }

  void push(Ref value) { stack_.push_back(std::move(value)); }
  const Ref& top() const {
    demand(stack_.size() > (marks_.empty() ? 0 : marks_.back()), in_.place(), "a value is missing");
    return stack_.back();
  }
  Ref pop() {
    Ref value = top();
    stack_.pop_back();
    return value;
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
  void tuple(size_t count) {
    std::vector<Ref> items = pop_all(count);
    push(make(Value::kTuple, 0, {}, std::move(items)));
  }
  void set_items(size_t count) {
    const std::vector<Ref> items = pop_all(count);
    demand(count % 2 == 0 && top()->type == Value::kDict, in_.place(), "items of no dictionary");
    top()->items.insert(top()->items.end(), items.begin(), items.end());
  }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    demand(found != memo_.end(), in_.place(), "a value is recalled that is not there");
    push(found->second);
  }
  std::string text(uint64_t size) {
    const auto taken = in_.take(size);
    return {taken.begin(), taken.end()};
  }
  std::string line() {
    std::string result;
    for (char c = 0; (c = static_cast<char>(in_.byte())) != '\n';) result += c;
    return result;
  }
  int64_t long_number() {
    const int size = in_.byte();
    demand(size <= 7, in_.place(), "a number is too large");
    const uint64_t value = in_.word(size);
    const bool negative = size > 0 && ((value >> (8 * size - 1)) & 1) != 0;
    return negative ? static_cast<int64_t>(value) - (int64_t{1} << (8 * size)) : static_cast<int64_t>(value);
  }
  // ("storage", class, key, device, number of elements)
  Ref storage(const Ref& id) const {
    const auto& parts = id->items;
    const bool known = id->type == Value::kTuple && parts.size() == 5 && parts[0]->text == "storage" &&
                       parts[1]->type == Value::kGlobal && parts[2]->type == Value::kText &&
                       parts[4]->type == Value::kInt;
    demand(known, in_.place(), "an unknown kind of storage");
    return make(Value::kStorage, parts[4]->number, parts[1]->text, {parts[2]});
  }
  void reduce() {
    const Ref arguments = pop();
    const Ref function = pop();
    const bool called = function->type == Value::kGlobal && arguments->type == Value::kTuple;
    const auto& a = arguments->items;
    if (called && function->text == "collections.OrderedDict" && a.empty()) {
      push(make(Value::kDict));
    } else if (called && function->text == "torch._utils._rebuild_tensor_v2" && a.size() >= 6) {
      demand(a[0]->type == Value::kStorage && a[1]->type == Value::kInt && a[2]->type == Value::kTuple &&
                 a[3]->type == Value::kTuple,
             in_.place(), "an unknown kind of tensor");
      push(make(Value::kTensor, a[1]->number, {}, {a[0], a[2], a[3]}));
    } else {
      in_.fail("a call of " + function->text);
    }
  }

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
Array read_tensor(const Zip& zip, const std::string& folder, const Value& tensor, const std::string& place) {
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
  const Bytes bytes = zip.read(folder + "data/" + storage.items[0]->text);
  const int width = is_double ? 8 : 4;
  const int64_t all = static_cast<int64_t>(bytes.size()) / width;
  demand(storage.number == all && tensor.number >= 0 && tensor.number <= all - count, place, "its numbers are missing");
  Reader in(bytes, place);
  in.take(static_cast<uint64_t>(tensor.number * width));
  for (int64_t i = 0; i < count; ++i) {
    const double value = is_double ? std::bit_cast<double>(in.word(8))
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
  const std::string folder = zip.folder();
  if (zip.has(folder + "byteorder")) {
    const Bytes order = zip.read(folder + "byteorder");
    demand(std::string(order.begin(), order.end()) == "little", file, "an unknown order of bytes");
  }
  const Bytes pickle = zip.read(folder + "data.pkl");
  const Ref root = Unpickler(pickle, file).run();
  demand(root->type == Value::kDict, file, "it holds no state_dict");
  struct Layer {
    Array weight, bias;
    bool has_bias = false;
  };
  std::map<std::vector<int64_t>, Layer> layers;
  std::string pattern;
  for (size_t k = 0; k < root->items.size(); k += 2) {
    const std::string& key = root->items[k]->text;
    const std::string place = file + ", '" + key + "'";
    demand(root->items[k]->type == Value::kText && root->items[k + 1]->type == Value::kTensor, place, "no tensor");
    const size_t dot = key.rfind('.') == std::string::npos ? 0 : key.rfind('.') + 1;
    const std::string kind = key.substr(dot);
    demand(kind == "weight" || kind == "bias", place, "neither a weight nor a bias");
    const auto [text, numbers] = split_name(key.substr(0, dot), place);
    demand(pattern.empty() || pattern == text + ".", place, "the order of the layers is not clear");
    pattern = text + ".";
    Layer& layer = layers[numbers];
    Array array = read_tensor(zip, folder, *root->items[k + 1], place);
    Array& to = kind == "weight" ? layer.weight : layer.bias;
    demand(to.values.empty(), place, "it is there twice");
    layer.has_bias = layer.has_bias || kind == "bias";
    to = std::move(array);
  }
  demand(!layers.empty(), file, "it has no layers");
  Network network;
  for (const auto& [numbers, layer] : layers) {
    demand(layer.weight.shape.size() == 2, file, "a layer's weight is no matrix");
    const int64_t in = layer.weight.shape[1];
    if (network.nodes.empty()) {
      network.add({Kind::kInput, in, {}, {}, {}, {}, 0});
    } else {
      network.add({Kind::kRelu, network.outputs(), {static_cast<int>(network.nodes.size()) - 1}, {}, {}, {}, 0});
    }
    demand(in == network.outputs(), file, "a layer does not fit the one before");
    const int64_t out = layer.weight.shape[0];
    std::vector<double> bias = layer.has_bias ? layer.bias.values : std::vector<double>(static_cast<size_t>(out), 0.0);
    demand(static_cast<int64_t>(bias.size()) == out && (!layer.has_bias || layer.bias.shape.size() == 1), file, "a bias does not fit its weight");
    network.add({Kind::kDense, out, {static_cast<int>(network.nodes.size()) - 1}, layer.weight.values, std::move(bias), {}, 0});
  }
  return network;
}

}  // namespace check
