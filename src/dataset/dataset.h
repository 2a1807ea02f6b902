// Labelled images to train and test with: MNIST, FashionMNIST and GTSRB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/shape.h"
#include "base/stop.h"
#include "dataset/download.h"
#include "image/image.h"

namespace verissim::dataset {

enum class DatasetName { kMnist, kFashionMnist, kGtsrb };
enum class Split { kTrain, kTest };

// "MNIST", "FashionMNIST" and "GTSRB", read without regard to case, '-' and '_'. Throws InputError.
DatasetName parse_dataset_name(const std::string& text);
std::string name_of(DatasetName name);
// How many classes there are before any selection: 10, 10 and 43.
int class_count(DatasetName name);

// Shapes: pixels count x C x H x W, 8 bits each; labels count.
struct Dataset {
  Shape shape;
  int classes = 0;  // labels are 0, ..., classes - 1
  std::vector<uint8_t> pixels;
  std::vector<int> labels;
  // SHA-256 over the names and contents of the files that were read, unpacked, in the order of reading: the
  // same for a folder and an archive with the same files.
  std::string digest;

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
  // Image i as networks see it: float32(k) / float32(255), in C, H, W order. `out` has shape.size() values.
  void values(int64_t i, std::span<float> out) const;
  image::Image image(int64_t i) const;
};

struct Request {
  DatasetName name = DatasetName::kMnist;
  Split split = Split::kTrain;
  // torchvision's root folder, empty for the current one: <root>/MNIST/raw/..., <root>/FashionMNIST/raw/...,
  // <root>/gtsrb/GTSRB/... MNIST's files may be packed (.gz) or not. FashionMNIST's may also lie in <root>
  // itself. GTSRB may lie unpacked as torchvision does it, or as its archives, in <root>/gtsrb or <root>;
  // archives are read as they are.
  std::string root;
  // What images are converted and resized to, exactly as torchvision's Resize on Pillow images does; 1
  // channel (grey) or 3 (RGB).
  Shape shape;
  // The classes to keep, which get their positions in this list as labels. Empty: all, as they are.
  std::vector<int> selected_classes;
  bool download = false;            // files that are missing
  std::vector<RemoteFile> sources;  // where to download from; empty: the published places
  ProgressSink progress;            // may be empty
  StopToken stop;
};

// Nothing if the token stopped it. Throws InputError naming the file if data are missing or damaged, or a
// selected class does not exist.
std::optional<Dataset> load(const Request& request);

}  // namespace verissim::dataset
