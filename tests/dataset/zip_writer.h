#pragma once

#include <zip.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace verissim::testing {

inline void write_zip(const std::string& path,
                      const std::vector<std::pair<std::string, std::string>>& files) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, contents] : files) {
    zip_source_t* source = zip_source_buffer(archive, contents.data(), contents.size(), 0);
    if (zip_file_add(archive, name.c_str(), source, 0) < 0) throw std::runtime_error("no ZIP entry " + name);
  }
  if (zip_close(archive) != 0) throw std::runtime_error("no ZIP archive " + path);
}

}  // namespace verissim::testing
