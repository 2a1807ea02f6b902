#include "check.h"

namespace check {
namespace {

// Undoes the five filters of PNG (ISO 15948, 9.2), line by line.
void unfilter(Pixels& image, const Bytes& raw, const std::string& file) {
  const auto step = static_cast<size_t>(image.channels);
  const auto stride = static_cast<size_t>(image.width * image.channels);
  demand(raw.size() == (stride + 1) * static_cast<size_t>(image.height), file, "too few or many pixels");
  image.values.resize(stride * static_cast<size_t>(image.height));
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    const uint8_t* in = raw.data() + y * (stride + 1);
    const int filter = *in++;
    demand(filter <= 4, file, "an unknown filter");
    uint8_t* out = image.values.data() + y * stride;
    for (size_t i = 0; i < stride; ++i) {
      const int left = i >= step ? out[i - step] : 0;
      const int above = y > 0 ? *(out + i - stride) : 0;
      const int corner = i >= step && y > 0 ? *(out + i - stride - step) : 0;
      const int a = std::abs(above - corner);
      const int b = std::abs(left - corner);
      const int c = std::abs(left + above - 2 * corner);
      const int paeth = a <= b && a <= c ? left : (b <= c ? above : corner);
      const int guesses[] = {0, left, above, (left + above) / 2, paeth};
      out[i] = static_cast<uint8_t>(in[i] + guesses[filter]);
    }
  }
}

// A target's first source value, and weights from there on: a triangle in 22-bit fixed point, as in Pillow.
std::pair<int64_t, Shape> weights_of(int64_t target, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  const double centre = (static_cast<double>(target) + 0.5) * scale;
  const auto round = [](double x) { return static_cast<int64_t>(std::floor(x + 0.5)); };
  const int64_t first = std::max<int64_t>(0, round(centre - support));
  const int64_t end = std::min(from, round(centre + support));
  Numbers shares;
  double sum = 0.0;
  for (int64_t i = first; i < end; ++i) {
    const double away = std::abs((static_cast<double>(i) - centre + 0.5) * (1.0 / support));
    shares.push_back(away < 1.0 ? 1.0 - away : 0.0);
    sum += shares.back();
  }
  Shape weights;
  for (const double share : shares) weights.push_back(round((sum == 0.0 ? share : share / sum) * 4194304.0));
  return {first, weights};
}

// Along one axis: each line (rows) or each column.
Pixels resize(const Pixels& image, bool rows, int64_t to) {
  Pixels result = image;
  (rows ? result.width : result.height) = to;
  result.values.assign(static_cast<size_t>(result.height * result.width * result.channels), 0);
  const int64_t from = rows ? image.width : image.height;
  const int64_t step = rows ? image.channels : image.width * image.channels;
  for (int64_t t = 0; t < to; ++t) {
    const auto [first, weights] = weights_of(t, from, to);
    for (int64_t k = 0; k < (rows ? image.height : 1) * step; ++k) {
      int64_t source = (k / step * from + first) * step + k % step;
      int64_t sum = 1 << 21;
      for (const int64_t weight : weights)
        sum += weight * image.values[static_cast<size_t>(std::exchange(source, source + step))];
      result.values[static_cast<size_t>((k / step * to + t) * step + k % step)] =
          static_cast<uint8_t>(std::clamp<int64_t>(sum >> 22, 0, 255));
    }
  }
  return result;
}

}  // namespace

Pixels read_png(const std::string& file) {
  const Bytes data = read_file(file);
  Reader in(data, file);
  constexpr uint8_t kStart[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  demand(data.size() > 8 && std::equal(kStart, kStart + 8, in.take(8).begin()), file, "no PNG file");
  Pixels image;
  Bytes packed;
  for (std::string type; type != "IEND";) {
    const uint64_t size = in.word(4, true);
    type = in.chars(4);
    const auto chunk = in.take(size);
    in.take(4);  // the chunk's checksum: zlib's own and the count of pixels are looked at
    demand((type == "IHDR") == (image.channels == 0), file, "not one header, in front");
    if (type == "IHDR") {
      Reader header(chunk, file);
      image.width = static_cast<int64_t>(header.word(4, true));
      image.height = static_cast<int64_t>(header.word(4, true));
      const bool fits = image.width > 0 && image.height > 0 && image.width <= (1 << 28) / image.height;
      demand(fits, file, "it is empty or too large");
      const auto kind = header.take(5);
      demand(kind[0] == 8 && (kind[1] == 0 || kind[1] == 2), file, "neither grey nor RGB of 8 bits");
      image.channels = kind[1] == 0 ? 1 : 3;
      demand(kind[2] + kind[3] + kind[4] == 0, file, "interlaced or of an unknown kind");
    } else if (type == "IDAT") {
      packed.insert(packed.end(), chunk.begin(), chunk.end());
    } else {
      demand(type == "IEND" || (type[0] & 32) != 0, file, "an unknown part, " + type);
      demand(type != "tRNS" && type != "acTL", file, "it has transparency, or moves");
    }
  }
  const int64_t most = (image.width * image.channels + 1) * image.height;
  unfilter(image, unpack(packed, static_cast<uint64_t>(most), file), file);
  return image;
}

Floats as_values(Pixels image, const Shape& shape) {
  if (image.channels != shape[0]) {
    const Pixels other = std::exchange(image, {image.height, image.width, shape[0], {}});
    for (size_t i = 0; i < other.values.size(); i += static_cast<size_t>(other.channels)) {
      const uint8_t* p = other.values.data() + i;
      if (other.channels == 3)  // ITU-R 601-2 luma
        image.values.push_back(
            static_cast<uint8_t>((19595U * p[0] + 38470U * p[1] + 7471U * p[2] + 32768U) >> 16));
      else
        image.values.insert(image.values.end(), 3, *p);
    }
  }
  const int64_t rows = image.height - shape[1];
  const int64_t columns = image.width - shape[2];
  // Pillow's order: along the lines first, unless far more lines than columns go away.
  const bool lines_first = rows > 0 && rows > 2 * columns;
  if (lines_first) image = resize(image, false, shape[1]);
  if (columns != 0) image = resize(image, true, shape[2]);
  if (!lines_first && rows != 0) image = resize(image, false, shape[1]);
  Floats values;
  const int64_t plane = shape[1] * shape[2];
  for (int64_t i = 0; i < size_of(shape); ++i) {
    const uint8_t value = image.values[static_cast<size_t>(i % plane * shape[0] + i / plane)];
    values.push_back(static_cast<float>(value) / 255.0F);
  }
  return values;
}

}  // namespace check
