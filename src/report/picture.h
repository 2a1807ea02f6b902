// Small images as they stand in a page: enlarged by whole numbers, without smoothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/shape.h"
#include "report/html.h"

namespace verissim::report {

// "iVBORw0..." as in data URIs.
std::string base64(std::span<const std::byte> data);

// An image to show: a PNG's bytes and the sides that it has.
struct Picture {
  std::string data_uri;  // "data:image/png;base64,..."
  int64_t width = 0;
  int64_t height = 0;
};

// values: C x H x W in [0, 1], C = 1 or 3.
Picture plain_picture(std::span<const double> values, const Shape& shape);

// What was added (orange) and taken away (blue) for one channel, or grey 0.5 + difference for three; the
// largest difference is shown in full colour. No difference at all is white (grey for three channels).
Picture difference_picture(std::span<const double> values, std::span<const double> reference,
                           const Shape& shape);

// H x W values: 1 is light yellow, 0 and below dark violet.
Picture map_picture(std::span<const double> values, int64_t height, int64_t width);

// How many screen pixels a pixel's side takes, so that the longer side has at most 160 (and at least 1 each).
int64_t enlargement(int64_t height, int64_t width);

void show(Html& html, const Picture& picture, const std::string& alternative_text);

}  // namespace verissim::report
