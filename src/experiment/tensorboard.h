// A file that TensorBoard shows: its records of events (TFRecord framing, protocol buffers Event and
// Summary), as far as scalars and images need them. Written without TensorFlow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "image/image.h"

namespace verissim::experiment {

// CRC-32C (Castagnoli), as TFRecord uses it: 0xe3069283 for "123456789".
uint32_t crc32c(std::string_view data);

class TensorboardFile {
 public:
  // Makes the file, which must not be there. Throws InputError.
  explicit TensorboardFile(const std::string& file);
  ~TensorboardFile();
  TensorboardFile(const TensorboardFile&) = delete;
  TensorboardFile& operator=(const TensorboardFile&) = delete;

  // Each is one record, written at once. One that cannot be written (disk full) is lost. Values that are not
  // finite are left out.
  void scalar(std::string_view tag, int64_t step, double value);
  void picture(std::string_view tag, int64_t step, const image::Image& image);

 private:
  void write(const std::string& event) const;

  int fd_;
};

}  // namespace verissim::experiment
