#include "network/model_name.h"

#include <charconv>
#include <string_view>

namespace verissim::network {
namespace {

constexpr int64_t kMostExtent = 999'999;       // of an image
constexpr int64_t kMostNeurons = 999'999'999;  // of a layer

// Takes text from the front, piece by piece; a piece that is not there makes it fail for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool starts_with(std::string_view text) const { return rest_.starts_with(text); }
  void expect(std::string_view text) {
    ok_ = ok_ && rest_.starts_with(text);
    if (ok_) rest_.remove_prefix(text.size());
  }
  // From 1 to most, without leading zeros.
  int64_t number(int64_t most) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    ok_ = ok_ && error == std::errc() && !rest_.starts_with('0') && value >= 1 && value <= most;
    if (ok_) rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  // Nothing is left but an extension.
  bool at_end() const { return ok_ && (rest_.empty() || rest_.rfind('.') == 0); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string model_file_name(const Shape& input, const std::vector<int64_t>& hidden, int64_t outputs) {
  std::string layers;
  for (const int64_t size : hidden) {
    if (!layers.empty()) layers += '-';
    layers += std::to_string(size);
  }
  return "model_i" + to_string(input) + "_l" + layers + "_o" + std::to_string(outputs) + ".pt";
}

std::optional<ModelName> parse_model_name(const std::string& path) {
  Scanner scanner(std::string_view(path).substr(path.find_last_of('/') + 1));
  ModelName name;
  scanner.expect("model_i");
  name.input.channels = scanner.number(kMostExtent);
  scanner.expect("x");
  name.input.height = scanner.number(kMostExtent);
  scanner.expect("x");
  name.input.width = scanner.number(kMostExtent);
  scanner.expect("_l");
  while (scanner.ok() && !scanner.starts_with("_o")) {
    if (!name.hidden.empty()) scanner.expect("-");
    name.hidden.push_back(scanner.number(kMostNeurons));
  }
  scanner.expect("_o");
  name.outputs = scanner.number(kMostNeurons);
  if (!scanner.at_end()) return std::nullopt;
  return name;
}

}  // namespace verissim::network
