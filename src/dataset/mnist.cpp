#include "base/error.h"
#include "base/file.h"
#include "base/gzip.h"
#include "dataset/collector.h"
#include "dataset/idx.h"
#include "dataset/readers.h"

namespace verissim::dataset {
namespace {

constexpr uint64_t kMaxBytes = UINT64_C(1) << 32;
constexpr int64_t kImagesPerStep = 512;

struct Part {
  std::string path;
  IdxArray array;
};

class Reader {
 public:
  explicit Reader(const Request& request)
      : request_(request),
        folder_(request.root + "/" + name_of(request.name) + "/raw"),
        stem_(request.split == Split::kTrain ? "train" : "t10k"),
        names_{stem_ + "-images-idx3-ubyte", stem_ + "-labels-idx1-ubyte"},
        collector_(request) {}

  std::optional<Dataset> read() {
    if (!provide_files()) return std::nullopt;
    const Part images = read_part(names_[0], 3);
    const Part labels = read_part(names_[1], 1);
    const int64_t count = images.array.sizes[0];
    if (labels.array.sizes[0] != count) {
      throw InputError(labels.path, "labels", std::to_string(labels.array.sizes[0]),
                       std::to_string(count) + " as there are images in " + images.path);
    }
    for (int64_t i = 0; i < count; ++i) {
      if (i % kImagesPerStep == 0 && collector_.step(i, count)) return std::nullopt;
      add(images, labels, i);
    }
    if (collector_.step(count, count)) return std::nullopt;
    return collector_.finish(images.path);
  }

 private:
  std::optional<std::string> find(const std::string& name) const {
    std::vector<std::string> places{folder_ + "/" + name, folder_ + "/" + name + ".gz"};
    if (request_.name == DatasetName::kFashionMnist) {
      places.push_back(request_.root + "/" + name);
      places.push_back(request_.root + "/" + name + ".gz");
    }
    return first_existing(places);
  }

  bool provide_files() const {
    std::vector<std::string> missing;
    for (const std::string& name : names_) {
      if (!find(name)) missing.push_back(name + ".gz");
    }
    return missing.empty() || provide(request_, folder_, missing);
  }

  Part read_part(const std::string& name, size_t dimensions) {
    const std::optional<std::string> path = find(name);
    VERISSIM_CHECK(path.has_value());
    std::vector<std::byte> data = read_file(*path, kMaxBytes);
    if (is_gzip(data)) data = unpack_gzip(*path, data, kMaxBytes);
    collector_.add_file(name, data);
    return {*path, decode_idx(data, dimensions, *path)};
  }

  void add(const Part& images, const Part& labels, int64_t i) {
    const int original = labels.array.values[static_cast<size_t>(i)];
    if (original >= class_count(request_.name)) {
      throw InputError(labels.path, "label " + std::to_string(i), std::to_string(original), "0 to 9");
    }
    const std::optional<int> label = collector_.label_of(original);
    if (!label) return;
    const int64_t height = images.array.sizes[1];
    const int64_t width = images.array.sizes[2];
    const auto first = images.array.values.begin() + i * height * width;
    collector_.add_image({height, width, image::Mode::kGrey, {first, first + height * width}}, *label);
  }

  const Request& request_;
  std::string folder_;
  std::string stem_;
  std::vector<std::string> names_;
  Collector collector_;
};

}  // namespace

std::optional<Dataset> load_mnist(const Request& request) { return Reader(request).read(); }

}  // namespace verissim::dataset
