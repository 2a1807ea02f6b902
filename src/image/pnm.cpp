#include "image/pnm.h"

#include <cmath>
#include <string_view>

#include "base/error.h"

namespace verissim::image {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Walks over the text part of a file.
class Cursor {
 public:
  Cursor(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  // The next decimal number. A comment runs from # to the end of its line.
  int64_t number(const char* what, int64_t smallest, int64_t largest) {
    skip_space();
    const size_t start = at_;
    int64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && value <= largest) {
      value = 10 * value + (text_[at_++] - '0');
    }
    const bool glued = peek() == '#';  // for some programs the number goes on behind the comment
    if (at_ == start || glued || value < smallest || value > largest) refuse(what, start, smallest, largest);
    return value;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip(size_t count) { at_ += count; }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void skip_space() {
    while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#') at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      if (at_ < text_.size()) ++at_;
    }
  }
  [[noreturn]] void refuse(const char* what, size_t start, int64_t smallest, int64_t largest) const {
    const bool at_end = start >= text_.size();
    std::string got = at_end ? "the end of the file" : "'" + std::string(text_.substr(start, 12)) + "'";
    for (char& c : got) {
      if (c < ' ' || c > '~') c = '?';
    }
    throw InputError(file_, what, got,
                     "a number from " + std::to_string(smallest) + " to " + std::to_string(largest));
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 2;
};

// To 8 bits, ties to even.
uint8_t scale(int64_t value, int64_t largest) {
  if (largest == 255) return static_cast<uint8_t>(value);
  const double scaled = static_cast<double>(value) / static_cast<double>(largest) * 255.0;
  return static_cast<uint8_t>(std::nearbyint(scaled));
}

void read_plain(Cursor& cursor, int64_t largest, Image8& image) {
  for (uint8_t& pixel : image.pixels) pixel = scale(cursor.number("pixel", 0, largest), largest);
}

size_t count_crlf(std::string_view data) {
  size_t count = 0;
  for (size_t at = data.find("\r\n"); at != data.npos; at = data.find("\r\n", at + 2)) ++count;
  return count;
}

std::string without_cr(std::string_view data) {
  std::string result;
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i] != '\r' || i + 1 == data.size() || data[i + 1] != '\n') result += data[i];
  }
  return result;
}

// The `wanted` bytes of pixels that follow the header. `storage` owns them if they had to be restored.
std::string_view raster(Cursor& cursor, size_t wanted, const std::string& file, std::string& storage) {
  if (!is_space(cursor.peek()))
    throw InputError(file, "header", "no white space at its end", "one byte of it");
  const bool crlf = cursor.rest().starts_with("\r\n") && cursor.rest().size() - 1 > wanted;
  cursor.skip(crlf ? 2 : 1);
  std::string_view data = cursor.rest();
  if (crlf && data.size() > wanted && data.size() - count_crlf(data) == wanted) {
    storage = without_cr(data);
    data = storage;
  } else if (crlf && data.size() > wanted) {
    throw InputError(file, "header", "CR LF at its end and bytes behind the pixels",
                     "one byte of white space, or no more than the pixels");
  }
  if (data.size() < wanted) {
    throw InputError(file, "pixels", std::to_string(data.size()) + " bytes", std::to_string(wanted));
  }
  return data.substr(0, wanted);
}

void read_binary(Cursor& cursor, int64_t largest, const std::string& file, Image8& image) {
  const size_t bytes = largest < 256 ? 1 : 2;
  std::string storage;
  const std::string_view data = raster(cursor, image.pixels.size() * bytes, file, storage);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    int64_t value = static_cast<uint8_t>(data[i * bytes]);
    if (bytes == 2) value = 256 * value + static_cast<uint8_t>(data[2 * i + 1]);
    if (value > largest) {
      throw InputError(file, "pixel value " + std::to_string(i), std::to_string(value),
                       "at most " + std::to_string(largest));
    }
    image.pixels[i] = scale(value, largest);
  }
}

}  // namespace

bool looks_like_pnm(std::span<const std::byte> data) {
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  return text.size() >= 3 && text[0] == 'P' && text[1] >= '1' && text[1] <= '6' &&
         (is_space(text[2]) || text[2] == '#');
}

Image8 decode_pnm(std::span<const std::byte> data, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  const char kind = looks_like_pnm(data) ? text[1] : '\0';
  if (kind != '2' && kind != '3' && kind != '5' && kind != '6') {
    throw InputError(file, "format", "'" + std::string(text.substr(0, kind == '\0' ? 0 : 2)) + "'",
                     "a PGM or PPM file (P2, P3, P5 or P6)");
  }
  Cursor cursor(text, file);
  Image8 image;
  image.mode = kind == '2' || kind == '5' ? Mode::kGrey : Mode::kRgb;
  image.width = cursor.number("width", 1, kMaxPixels);
  image.height = cursor.number("height", 1, kMaxPixels);
  check_size(file, image.height, image.width);
  const int64_t largest = cursor.number("maximum value", 1, 65535);
  const int64_t values = image.height * image.width * image.channels();
  // Every value takes a byte at least: a short file is refused before anything large is allocated.
  if (static_cast<int64_t>(cursor.rest().size()) < values) {
    throw InputError(file, "pixels", std::to_string(cursor.rest().size()) + " bytes",
                     "at least " + std::to_string(values));
  }
  image.pixels.resize(static_cast<size_t>(values));
  if (kind == '2' || kind == '3') {
    read_plain(cursor, largest, image);
  } else {
    read_binary(cursor, largest, file, image);
  }
  return image;
}

}  // namespace verissim::image
