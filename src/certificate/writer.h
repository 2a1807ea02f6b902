// Writes the certificate of a search while it runs. docs/certificate-format.md says what it holds and why
// that suffices; checker/ reads it, and shares no code with this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/shape.h"
#include "certificate/encode.h"
#include "certificate/packed_file.h"
#include "search/recorder.h"
#include "search/verify.h"

namespace verissim::certificate {

// The question, as far as it is not in the network.
struct Subject {
  std::string model_digest;     // SHA-256 of the model's file, hexadecimal
  uint64_t model_checksum = 0;  // see checksum_of_file
  Shape shape;                  // of the input
  std::vector<float> reference;
  int64_t label = 0;
  int64_t classes = 0;
  std::string measure = "ssim";
  std::string limit;  // as written
};

class Writer final : public search::Recorder {
 public:
  // Throws InputError if the file cannot be written; when it cannot be written to the end, only finish()
  // does.
  Writer(std::string path, Subject subject);

  void on_root(const search::FrameProof& frame, const std::vector<region::Slab>& slabs,
               double enough) override;
  void on_split(const search::Node& node, double middle) override;
  void on_frame(const search::Node& node, const search::FrameProof& frame) override;
  void on_closed(const search::Node& node) override;
  void on_gap() override { gap_ = true; }

  // Gives the file its name if the result can be certified; why not otherwise, as a clause.
  std::optional<std::string> finish(const search::Result& result);

 private:
  void begin();
  void known_splits(const search::Node& node);
  void node_reasons(const search::Node& node, bool curved);
  void reasons(const search::Reasons& reasons);
  void frame(const search::FrameProof& frame);
  void flush(size_t least);

  std::string path_;
  Subject subject_;
  std::optional<PackedFile> file_;
  Encoder out_;
  bool rooted_ = false;
  bool gap_ = false;
  std::string failure_;  // of writing
};

}  // namespace verissim::certificate
