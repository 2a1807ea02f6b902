#include "dataset/gtsrb_labels.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace verissim::dataset {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The part before the separator, which is cut off `text` with it.
std::string_view take(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) fields.push_back(trimmed(take(line, ';')));
  return fields;
}

// -1 if it is no number.
int number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

size_t column(const std::vector<std::string_view>& header, std::string_view name, const std::string& file) {
  const auto place = std::find(header.begin(), header.end(), name);
  if (place == header.end()) {
    throw InputError(file, "line 1", "no column '" + std::string(name) + "'", "columns separated by ';'");
  }
  return static_cast<size_t>(place - header.begin());
}

}  // namespace

std::vector<std::pair<std::string, int>> parse_gtsrb_labels(std::string_view text, int classes,
                                                            const std::string& file) {
  const std::vector<std::string_view> header = split(take(text, '\n'));
  const size_t name_column = column(header, "Filename", file);
  const size_t class_column = column(header, "ClassId", file);
  std::vector<std::pair<std::string, int>> rows;
  for (int line = 2; !text.empty(); ++line) {
    const std::vector<std::string_view> fields = split(take(text, '\n'));
    if (fields.empty() || (fields.size() == 1 && fields[0].empty())) continue;
    const std::string place = "line " + std::to_string(line);
    if (fields.size() != header.size()) {
      throw InputError(file, place, std::to_string(fields.size()) + " columns",
                       std::to_string(header.size()));
    }
    const std::string name(fields[name_column]);
    const int label = number(fields[class_column]);
    if (name.empty() || name.find_first_of("/\\") != name.npos || name == "..") {
      throw InputError(file, place, "'" + name + "'", "the name of a file");
    }
    if (label < 0 || label >= classes) {
      throw InputError(file, place, "class '" + std::string(fields[class_column]) + "'",
                       "0 to " + std::to_string(classes - 1));
    }
    rows.emplace_back(name, label);
  }
  return rows;
}

int gtsrb_class_of(std::string_view path) {
  if (!path.ends_with(".ppm")) return -1;
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return -1;
  const std::string_view folder = path.substr(0, slash);
  const size_t before = folder.rfind('/');
  return number(before == folder.npos ? folder : folder.substr(before + 1));
}

}  // namespace verissim::dataset
