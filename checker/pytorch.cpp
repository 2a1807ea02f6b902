#include <map>
#include <set>

#include "check.h"

namespace check {
namespace {

// The files of a ZIP archive, by name; PyTorch does not tell capitals from small letters in them.
using Entries = std::map<std::string, Message>;

std::string small(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

// The numbers of a record, of so many bytes each.
std::vector<uint64_t> words(Reader& in, std::initializer_list<int> sizes) {
  std::vector<uint64_t> values;
  for (const int size : sizes) values.push_back(in.word(size));
  return values;
}

Entries unzip(const Bytes& data, const std::string& file) {
  Entries entries;
  const auto from = [&](size_t at) {
    demand(at <= data.size(), file, "its ZIP directory is damaged");
    return Reader(Message(data).subspan(at), file);
  };
  size_t end = data.size() < 22 ? 0 : data.size() - 22;
  while (end > 0 && from(end).word(4) != 0x06054b50) --end;
  Reader tail = from(end);
  const auto last = words(tail, {4, 4, 2, 2, 4, 4});  // number 3: how many entries; 5: where they start
  demand(last[0] == 0x06054b50 && last[1] == 0, file, "no ZIP archive, as torch.save writes");
  Reader locator = from(end - std::min<size_t>(end, 20));
  if (locator.word(4) == 0x07064b50) {  // of ZIP64's end, which PyTorch believes instead
    locator.take(4);
    Reader other = from(locator.word(8));
    const auto same = words(other, {8, 8, 8, 8, 8, 8, 8});
    demand(same[4] == last[3] && same[6] == last[5], file, "it has two ZIP directories");
  }
  Reader directory = from(last[5]);
  for (uint64_t k = 0; k < last[3]; ++k) {
    // Number 2: how it is packed; 5: its size; 6, 7, 8: those of its name and of two others; 10: where it is.
    const auto head = words(directory, {4, 6, 2, 8, 4, 4, 2, 2, 2, 8, 4});
    demand(head[0] == 0x02014b50, file, "its ZIP directory is damaged");
    demand(head[2] == 0, file, "an entry is packed");
    const std::string name = directory.chars(head[6]);
    directory.take(head[7] + head[8]);
    Reader local = from(head[10]);
    const auto own = words(local, {4, 8, 8, 6, 2, 2});
    demand(own[0] == 0x04034b50, file, "an entry is damaged");
    local.take(own[4] + own[5]);
    demand(entries.emplace(small(name), local.take(head[5])).second, file, "an entry is there twice");
  }
  return entries;
}

// Reads the pickle that torch.save writes of a state_dict, and no other: opcode by opcode.
class Pickle {
 public:
  Pickle(const Entries& entries, const std::string& folder, const std::string& file, size_t most)
      : entries_(entries),
        folder_(folder),
        in_(entries.at(folder + "data.pkl"), file + ", data.pkl"),
        left_(static_cast<int64_t>(most)) {}

  std::map<std::string, Tensor> read() {
    std::map<std::string, Tensor> tensors;
    in_.demand(in_.byte() == 0x80 && in_.byte() == 2, "an unknown protocol");
    const bool ordered = next().kind == 'c' && last_.text == kDictionary;
    in_.demand(ordered || last_.kind == '}', "it holds no state_dict");
    if (ordered) match(")R");
    while (next().kind == '(' || last_.kind == 'X') {
      const bool many = last_.kind == '(';
      if (many) next();
      for (; last_.kind == 'X'; next()) {
        const std::string key = last_.text;
        in_.demand(tensors.emplace(key, read_tensor(key)).second, "'" + key + "' is there twice");
      }
      in_.demand(last_.kind == (many ? 'u' : 's'), "it holds more than tensors");
    }
    if (last_.kind == '}') {  // its _metadata, of other dictionaries, which say nothing of the network
      while (next().kind != 'b')
        in_.demand(std::string("}(Xc)RKsut").find(last_.kind) != std::string::npos, "unknown data");
      next();
    }
    in_.demand(last_.kind == '.' && in_.at_end(), "it does not end as it should");
    return tensors;
  }

 private:
  static constexpr std::string_view kDictionary = "collections\nOrderedDict\n";

  // An opcode; numbers have the kind K, texts X, names c, flags 0x88.
  struct Token {
    char kind = 0;
    int64_t number = 0;
    std::string text;
  };

  const Token& next() {
    uint8_t code = in_.byte();
    for (; code == 'q' || code == 'r'; code = in_.byte()) memo_[in_.word(code == 'q' ? 1 : 4)] = last_;
    last_ = {static_cast<char>(code), 0, {}};
    if (code == 'K' || code == 'M' || code == 'J' || code == 0x8a) {
      const int size = code == 'K' ? 1 : code == 'M' ? 2 : code == 'J' ? 4 : in_.byte();
      in_.demand(size <= 8, "a number is too large");
      last_ = {'K', static_cast<int64_t>(in_.word(size)), {}};
      const bool has_sign = (code == 'J' || code == 0x8a) && size > 0;
      in_.demand(last_.number >= 0 && (!has_sign || last_.number >> (8 * size - 1) == 0),
                 "a negative number");
    } else if (code == 'X') {
      last_.text = in_.chars(in_.word(4));
    } else if (code == 'c') {
      for (int lines = 0; lines < 2 && last_.text.size() <= 1000; lines += last_.text.back() == '\n' ? 1 : 0)
        last_.text += static_cast<char>(in_.byte());
    } else if (code == 'h' || code == 'j') {
      last_ = memo_[in_.word(code == 'h' ? 1 : 4)];
      in_.demand(last_.kind == 'X' || last_.kind == 'c', "a recalled value that is not known here");
    } else if (code == 0x89) {
      last_.kind = '\x88';
    }
    in_.demand(last_.text.size() <= 1000, "a text is too long");
    return last_;
  }
  std::vector<Token> match(std::string_view kinds) {
    std::vector<Token> tokens;
    for (const char kind : kinds) {
      tokens.push_back(next());
      in_.demand(last_.kind == kind, "an opcode that is not expected here");
    }
    return tokens;
  }
  Shape tuple() {
    Shape shape;
    const bool marked = next().kind == '(';
    if (marked) next();
    for (; last_.kind == 'K'; next()) shape.push_back(last_.number);
    const char end = marked ? 't' : static_cast<char>(0x84 + shape.size());
    in_.demand(!shape.empty() && last_.kind == end, "no tuple");
    return shape;
  }

  // _rebuild_tensor_v2(('storage', type, key, device, count), offset, sizes, strides, flag, OrderedDict())
  Tensor read_tensor(const std::string& key) {
    const std::string place = in_.place() + ", '" + key + "'";
    const std::vector<Token> head = match("c((XcXXKtQK");
    Tensor tensor{tuple(), {}};
    const Shape strides = tuple();
    const std::string tail = match(std::string("\x88") + "c)RtR")[1].text;
    const bool rebuilt = head[0].text == "torch._utils\n_rebuild_tensor_v2\n" && tail == kDictionary;
    demand(rebuilt && head[3].text == "storage", place, "no tensor");
    const bool is_double = head[4].text == "torch\nDoubleStorage\n";
    demand(is_double || head[4].text == "torch\nFloatStorage\n", place, "neither float32 nor float64");
    const int64_t count = size_of(tensor.shape);
    left_ -= count;
    demand(left_ >= 0, place, "too many tensors share their numbers");
    int64_t step = 1;
    demand(strides.size() == tensor.shape.size(), place, "sizes and strides do not fit");
    for (size_t k = strides.size(); k-- > 0; step *= tensor.shape[k])
      demand(strides[k] == step || tensor.shape[k] == 1, place, "it is not contiguous");
    const auto found = entries_.find(small(folder_ + "data/" + head[5].text));
    const int width = is_double ? 8 : 4;
    const bool there = found != entries_.end() && head[10].number <= head[7].number - count &&
                       head[7].number <= static_cast<int64_t>(found->second.size()) / width;
    demand(there, place, "its numbers are missing");
    Reader in(found->second, place);
    in.take(static_cast<uint64_t>(head[10].number * width));
    for (int64_t i = 0; i < count; ++i) tensor.values.push_back(in.number(width));
    return tensor;
  }

  const Entries& entries_;
  std::string folder_;
  Reader in_;
  int64_t left_;  // how many more numbers may be read
  Token last_;
  std::map<uint64_t, Token> memo_;
};

// "net.12.fc" as the text "net.#.fc" and the numbers 12: layers may differ in these alone, which order them.
std::pair<std::string, Shape> split_name(const std::string& name, const std::string& place) {
  std::string text;
  Shape numbers;
  for (size_t i = 0; i < name.size();) {
    const size_t end = std::min(name.find_first_not_of("0123456789", i), name.size());
    demand(end - i <= 9, place, "a number in its name is too long");
    text += end > i ? '#' : name[i];
    if (end > i) numbers.push_back(std::stoll(name.substr(i, end - i)));
    i = std::max(end, i + 1);
  }
  return {text, numbers};
}

}  // namespace

Network read_pytorch(const Bytes& data, const std::string& file, bool single) {
  const auto entries = unzip(data, file);
  std::string folder;
  for (const auto& [name, bytes] : entries) {
    if (!name.ends_with("/data.pkl")) continue;
    demand(folder.empty(), file, "it has more than one data.pkl");
    folder = name.substr(0, name.size() - 8);
  }
  demand(!folder.empty(), file, "it has no data.pkl");
  const auto order = entries.find(folder + "byteorder");
  demand(order == entries.end() || std::string(order->second.begin(), order->second.end()) == "little", file,
         "an unknown order of bytes");
  std::map<Shape, std::map<std::string, Tensor>> layers;
  std::set<std::string> patterns;
  for (auto& [key, tensor] : Pickle(entries, folder, file, data.size()).read()) {
    const std::string place = file + ", '" + key + "'";
    const size_t end = key.rfind('.') == std::string::npos ? 0 : key.rfind('.') + 1;
    const std::string kind = key.substr(end);
    demand(kind == "weight" || kind == "bias", place, "neither a weight nor a bias");
    const auto [text, numbers] = split_name(key.substr(0, end), place);
    patterns.insert(text);
    demand(patterns.size() == 1, place, "the order of the layers is not clear");
    demand(layers[numbers].emplace(kind, std::move(tensor)).second, place, "it is there twice");
  }
  Network network(file, data.size(), single);
  Signal x;
  for (auto& [numbers, arrays] : layers) {
    const Shape shape = arrays["weight"].shape;
    demand(shape.size() == 2, file, "a layer's weight is no matrix");
    Tensor& bias = arrays["bias"];
    if (bias.shape.empty()) bias = {{shape[0]}, Numbers(static_cast<size_t>(shape[0]), 0.0)};
    x = network.nodes.empty() ? network.input({shape[1]}) : network.relu(x);
    demand(x.shape == Shape{shape[1]} && bias.shape == Shape{shape[0]}, file, "sizes do not fit");
    x = network.dense(x, std::move(arrays["weight"].values), std::move(bias.values));
  }
  demand(!layers.empty(), file, "it has no layers");
  return network;
}

}  // namespace check
