#include "dataset/dataset.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/error.h"
#include "dataset/readers.h"
#include "dataset/sources.h"
#include "image/pixels.h"

namespace verissim::dataset {
namespace {

struct Row {
  DatasetName name;
  const char* text;
  int classes;
};

constexpr Row kRows[] = {{DatasetName::kMnist, "MNIST", 10},
                         {DatasetName::kFashionMnist, "FashionMNIST", 10},
                         {DatasetName::kGtsrb, "GTSRB", 43}};

const Row& row_of(DatasetName name) {
  const Row& row = kRows[static_cast<size_t>(name)];
  VERISSIM_CHECK(row.name == name);
  return row;
}

// Letters in lower case, without '-' and '_'.
std::string bare(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != '-' && c != '_') result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

DatasetName parse_dataset_name(const std::string& text) {
  for (const Row& row : kRows) {
    if (bare(text) == bare(row.text)) return row.name;
  }
  throw InputError("", "data set", "'" + text + "'", "MNIST, FashionMNIST or GTSRB");
}

std::string name_of(DatasetName name) { return row_of(name).text; }

int class_count(DatasetName name) { return row_of(name).classes; }

void Dataset::values(int64_t i, std::span<float> out) const {
  const int64_t size = shape.size();
  VERISSIM_CHECK(i >= 0 && i < count() && static_cast<int64_t>(out.size()) == size);
  const auto first = pixels.begin() + i * size;
  std::transform(first, first + size, out.begin(), image::to_unit);
}

image::Image Dataset::image(int64_t i) const {
  image::Image result{shape, std::vector<float>(static_cast<size_t>(shape.size()))};
  values(i, result.values);
  return result;
}

std::optional<Dataset> load(const Request& given) {
  Request request = given;
  if (given.root.empty()) request.root.push_back('.');  // the current folder
  return request.name == DatasetName::kGtsrb ? load_gtsrb(request) : load_mnist(request);
}

std::optional<std::string> first_existing(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return std::nullopt;
}

bool provide(const Request& request, const std::string& folder, const std::vector<std::string>& names) {
  if (!request.download) {
    throw InputError(folder, name_of(request.name), "no such files", joined(names));
  }
  std::vector<RemoteFile> files =
      request.sources.empty() ? published_files(request.name, request.split) : request.sources;
  std::erase_if(files, [&](const RemoteFile& file) {
    return std::find(names.begin(), names.end(), file.name) == names.end();
  });
  if (files.size() != names.size()) {
    throw InputError(folder, name_of(request.name), "no place to download them from", joined(names));
  }
  return download(files, folder, request.progress, request.stop);
}

}  // namespace verissim::dataset
