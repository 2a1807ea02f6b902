#include "experiment/references.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "experiment/neighbourhood.h"
#include "image/read_image.h"
#include "train/forward.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestCsv = 1 << 26;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t comma = std::min(line.find(',', begin), line.size());
    fields.emplace_back(trimmed(line.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return fields;
}

// -1 if it is no number from 0 on.
int64_t number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 0 ? value : -1;
}

// A CSV file's rows by the names of its columns.
class Table {
 public:
  // file: as the config calls it; place: where it lies.
  Table(const std::string& file, const std::string& place) : file_(file) {
    const std::string text = read_text_file(place, kLargestCsv);
    int64_t line = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      add(++line, trimmed(std::string_view(text).substr(begin, end - begin)));
      begin = end + 1;
    }
    if (header_.empty()) throw InputError(file, "", "no line", "a first line with the names of the columns");
  }

  std::vector<ReferenceEntry> entries() const {
    const size_t path = column("path");
    const size_t label = column("class_idx");
    const auto threshold = std::find(header_.begin(), header_.end(), "threshold") - header_.begin();
    std::vector<ReferenceEntry> result;
    for (const Row& row : rows_) {
      ReferenceEntry entry;
      if (row.fields[path].empty()) throw InputError(file_, row.place, "no path", "the file of an image");
      entry.path = fs::path(file_).parent_path() / row.fields[path];
      entry.class_idx = number(row.fields[label]);
      if (entry.class_idx < 0) {
        throw InputError(file_, row.place, "the class_idx '" + row.fields[label] + "'",
                         "the number of an output, counted from 0");
      }
      const bool given = static_cast<size_t>(threshold) < header_.size();
      if (given && !row.fields[static_cast<size_t>(threshold)].empty()) {
        entry.threshold =
            Decimal::parse(row.fields[static_cast<size_t>(threshold)], file_ + ": " + row.place);
      }
      result.push_back(std::move(entry));
    }
    return result;
  }

 private:
  struct Row {
    std::string place;
    std::vector<std::string> fields;
  };

  void add(int64_t line, std::string_view text) {
    if (text.empty()) return;
    const std::string place = "line " + std::to_string(line);
    if (text.find('"') != std::string_view::npos)
      throw InputError(file_, place, "a quotation mark", "values without, separated by commas");
    std::vector<std::string> fields = fields_of(text);
    if (header_.empty()) {
      header_ = std::move(fields);
      return;
    }
    if (fields.size() != header_.size()) {
      throw InputError(file_, place, std::to_string(fields.size()) + " columns",
                       std::to_string(header_.size()) + ", as in the first line");
    }
    rows_.push_back({place, std::move(fields)});
  }

  size_t column(std::string_view name) const {
    const auto found = std::find(header_.begin(), header_.end(), name);
    if (found == header_.end()) {
      throw InputError(file_, "line 1", "no column '" + std::string(name) + "'",
                       "the columns path and class_idx, and perhaps threshold");
    }
    return static_cast<size_t>(found - header_.begin());
  }

  const std::string& file_;
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

std::vector<ReferenceEntry> entries_of_folder(const std::string& folder, const std::string& place) {
  std::error_code error;
  std::vector<ReferenceEntry> result;
  for (fs::directory_iterator sub(place, error), end; !error && sub != end; sub.increment(error)) {
    const std::string name = sub->path().filename().string();
    if (!sub->is_directory() || number(name) < 0) continue;
    for (fs::directory_iterator image(sub->path(), error), last; !error && image != last;
         image.increment(error)) {
      const std::string ending = image->path().extension().string();
      if (ending != ".png" && ending != ".ppm" && ending != ".npy") continue;
      result.push_back({fs::path(folder) / name / image->path().filename(), number(name), {}});
    }
  }
  if (error)
    throw InputError(place, "", error.message(), "a folder whose subfolders are called like classes");
  std::sort(result.begin(), result.end(), [](const ReferenceEntry& a, const ReferenceEntry& b) {
    return a.class_idx != b.class_idx ? a.class_idx < b.class_idx : a.path < b.path;
  });
  return result;
}

// Where the references are told, for messages.
std::string place_of(const Config& config) {
  if (!config.reference_csv.empty()) return config.reference_csv;
  return config.reference_folder.empty() ? "ri" : config.reference_folder;
}

std::vector<ReferenceEntry> entries_of(const Config& config) {
  const std::string& csv = config.reference_csv;
  const std::string& folder = config.reference_folder;
  if (!csv.empty()) return Table(csv, located(config, csv)).entries();
  if (!folder.empty()) return entries_of_folder(folder, located(config, folder));
  if (!config.reference_list.empty()) return config.reference_list;
  return {{config.reference_path, config.reference_class, {}}};
}

void check_class(const std::string& place, const std::string& name, int64_t label, int64_t classes) {
  if (label < classes) return;
  throw InputError(place, name, "the class_idx " + std::to_string(label),
                   "the number of an output, 0 to " + std::to_string(classes - 1));
}

}  // namespace

bool references_are_test_images(const Config& config) { return config.reference_first > 0; }

std::vector<Reference> load_references(const Config& config) {
  const std::string place = place_of(config);
  std::vector<Reference> result;
  for (const ReferenceEntry& entry : entries_of(config)) {
    check_class(place, entry.path, entry.class_idx, number_of_classes(config));
    Config one = config;
    one.threshold = entry.threshold.value_or(config.threshold);
    neighbourhood_of(one, place, entry.path);
    Reference reference;
    reference.name = entry.path;
    reference.file = located(config, entry.path);
    reference.label = entry.class_idx;
    reference.threshold = one.threshold;
    reference.image = image::load_image(reference.file, config.dimension);
    result.push_back(std::move(reference));
  }
  if (result.empty()) throw InputError(place, "", "no reference", "one or more");
  return result;
}

std::vector<Reference> first_references(const Config& config, const train::Samples& test,
                                        const network::Network& network) {
  const std::vector<int64_t>& classes = config.reference_classes;
  for (const int64_t label : classes) check_class("ri.classes", "", label, network.outputs());
  std::vector<Reference> result;
  for (int64_t i = 0; i < test.count() && static_cast<int64_t>(result.size()) < config.reference_first; ++i) {
    const int64_t label = test.labels[static_cast<size_t>(i)];
    if (!classes.empty() && std::count(classes.begin(), classes.end(), label) == 0) continue;
    const std::vector<float> scores = train::scores(network, test.image(i));
    if (std::max_element(scores.begin(), scores.end()) - scores.begin() != label) continue;
    Reference reference;
    reference.name = "test image " + std::to_string(i);
    reference.test_index = i;
    reference.label = label;
    reference.threshold = config.threshold;
    reference.image = {test.shape, {test.image(i).begin(), test.image(i).end()}};
    result.push_back(std::move(reference));
  }
  if (static_cast<int64_t>(result.size()) < config.reference_first) {
    throw InputError(
        "", "ri.first", std::to_string(config.reference_first),
        "at most " + std::to_string(result.size()) +
            ", the number of test images of these classes that the network classifies correctly");
  }
  return result;
}

}  // namespace verissim::experiment
