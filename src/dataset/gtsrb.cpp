#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "dataset/collector.h"
#include "dataset/file_tree.h"
#include "dataset/gtsrb_labels.h"
#include "dataset/readers.h"
#include "image/pnm.h"

namespace verissim::dataset {
namespace {

constexpr size_t kImagesPerStep = 64;
constexpr const char* kTrainingZip = "GTSRB-Training_fixed.zip";
constexpr const char* kTestZip = "GTSRB_Final_Test_Images.zip";
constexpr const char* kLabelsZip = "GTSRB_Final_Test_GT.zip";
constexpr const char* kLabels = "GT-final_test.csv";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

struct Item {
  std::string file;  // in the tree
  std::string name;  // in the digest
  int label = 0;
};

class Reader {
 public:
  explicit Reader(const Request& request) : request_(request), collector_(request) {}

  std::optional<Dataset> read() {
    const bool training = request_.split == Split::kTrain;
    if (!provide_files(training)) return std::nullopt;
    const std::string images = *find_images(training);
    const std::unique_ptr<FileTree> tree = images.ends_with(".zip") ? open_zip(images) : open_folder(images);
    const std::vector<Item> items = training ? training_items(*tree) : test_items(*tree);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i % kImagesPerStep == 0 && step(i, items.size())) return std::nullopt;
      const std::vector<std::byte> data = tree->read(items[i].file);
      collector_.add_file(items[i].name, data);
      collector_.add_image(image::decode_pnm(data, tree->describe(items[i].file)), items[i].label);
    }
    if (step(items.size(), items.size())) return std::nullopt;
    return collector_.finish(images);
  }

 private:
  bool step(size_t done, size_t total) const {
    return collector_.step(static_cast<int64_t>(done), static_cast<int64_t>(total));
  }

  std::optional<std::string> find(const std::string& folder_or_file, const std::string& archive) const {
    const std::string& root = request_.root;
    return first_existing({root + "/gtsrb/" + folder_or_file, root + "/" + folder_or_file,
                           root + "/gtsrb/" + archive, root + "/" + archive});
  }
  std::optional<std::string> find_images(bool training) const {
    return training ? find("GTSRB/Training", kTrainingZip) : find("GTSRB/Final_Test/Images", kTestZip);
  }

  bool provide_files(bool training) const {
    std::vector<std::string> missing;
    if (!find_images(training)) missing.emplace_back(training ? kTrainingZip : kTestZip);
    if (!training && !find(kLabels, kLabelsZip)) missing.emplace_back(kLabelsZip);
    return missing.empty() || provide(request_, request_.root + "/gtsrb", missing);
  }

  std::vector<Item> training_items(const FileTree& tree) const {
    std::vector<Item> items;
    for (const std::string& path : tree.names()) {
      // In a folder the class is the first part of the path, in the archive it stands further behind.
      const int original = gtsrb_class_of(path);
      if (original < 0) continue;
      if (original >= class_count(request_.name)) {
        throw InputError(tree.describe(path), "class", std::to_string(original), "0 to 42");
      }
      const std::optional<int> label = collector_.label_of(original);
      const std::string name = std::to_string(original) + "/" + base_name(path);
      if (label) items.push_back({path, name, *label});
    }
    return items;
  }

  std::vector<Item> test_items(const FileTree& tree) {
    std::vector<std::pair<std::string, std::string>> files;  // name, path
    for (const std::string& path : tree.names()) files.emplace_back(base_name(path), path);
    std::sort(files.begin(), files.end());
    std::vector<Item> items;
    for (const auto& [name, original] : read_labels()) {
      const std::optional<int> label = collector_.label_of(original);
      if (!label) continue;
      const auto place = std::lower_bound(files.begin(), files.end(), std::pair(name, std::string()));
      if (place == files.end() || place->first != name) {
        throw InputError(tree.describe(name), "", "nothing",
                         "the image that " + std::string(kLabels) + " lists");
      }
      items.push_back({place->second, name, *label});
    }
    return items;
  }

  std::vector<std::pair<std::string, int>> read_labels() {
    const std::string path = *find(kLabels, kLabelsZip);
    std::vector<std::byte> data;
    std::string shown = path;
    if (path.ends_with(".zip")) {
      const std::unique_ptr<FileTree> tree = open_zip(path);
      const auto place = std::find_if(tree->names().begin(), tree->names().end(),
                                      [](const std::string& name) { return base_name(name) == kLabels; });
      if (place == tree->names().end()) throw InputError(path, "", "no " + std::string(kLabels), "one");
      data = tree->read(*place);
      shown = tree->describe(*place);
    } else {
      data = read_file(path);
    }
    collector_.add_file(kLabels, data);
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    return parse_gtsrb_labels(text, class_count(request_.name), shown);
  }

  const Request& request_;
  Collector collector_;
};

}  // namespace

std::optional<Dataset> load_gtsrb(const Request& request) { return Reader(request).read(); }

}  // namespace verissim::dataset
