#include "dataset/file_tree.h"

#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/file.h"

namespace verissim::dataset {
namespace {

constexpr uint64_t kMaxBytes = UINT64_C(1) << 28;
// A deflated byte stands for at most 1032 bytes, so a claim beyond that is false.
constexpr uint64_t kMostPerByte = 1032;

class Folder : public FileTree {
 public:
  explicit Folder(const std::string& path) : path_(path) {
    std::error_code error;
    std::filesystem::recursive_directory_iterator entry(path, error);
    while (!error && entry != std::filesystem::recursive_directory_iterator()) {
      if (entry->is_regular_file(error))
        names_.push_back(entry->path().lexically_relative(path).generic_string());
      entry.increment(error);
    }
    if (error) throw InputError(path, "cannot be read", error.message(), "");
    std::sort(names_.begin(), names_.end());
  }
  std::vector<std::byte> read(const std::string& name) const override {
    return read_file(describe(name), kMaxBytes);
  }
  std::string describe(const std::string& name) const override { return path_ + "/" + name; }

 private:
  std::string path_;
};

class Zip : public FileTree {
 public:
  explicit Zip(const std::string& path) : path_(path), archive_(nullptr, &zip_discard) {
    int code = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string text = zip_error_strerror(&error);
      zip_error_fini(&error);
      throw InputError(path, "ZIP", text, "a whole ZIP archive");
    }
    std::error_code ignored;  // then every entry is refused
    size_ = std::filesystem::file_size(path, ignored);
    if (ignored) size_ = 0;
    const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      if (name == nullptr || std::string_view(name).ends_with('/')) continue;
      if (places_.emplace(name, static_cast<zip_uint64_t>(i)).second) names_.emplace_back(name);
    }
    std::sort(names_.begin(), names_.end());
  }

  std::vector<std::byte> read(const std::string& name) const override {
    const auto place = places_.find(name);
    VERISSIM_CHECK(place != places_.end());
    zip_stat_t status;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat_index(archive_.get(), place->second, 0, &status) != 0 ||
        (status.valid & kNeeded) != kNeeded) {
      refuse(name, zip_strerror(archive_.get()));
    }
    if (status.size > kMaxBytes || status.size / kMostPerByte > std::min(status.comp_size, size_))
      refuse(name, std::to_string(status.size) + " bytes");
    const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(
        zip_fopen_index(archive_.get(), place->second, 0), &zip_fclose);
    if (file == nullptr) refuse(name, zip_strerror(archive_.get()));
    std::vector<std::byte> data(status.size);
    // One byte more is asked for: libzip compares the check sum when it meets the end.
    std::byte beyond{};
    const zip_int64_t count = zip_fread(file.get(), data.data(), data.size());
    const zip_int64_t more = count < 0 ? count : zip_fread(file.get(), &beyond, 1);
    if (more < 0) refuse(name, zip_file_strerror(file.get()));
    if (count != static_cast<zip_int64_t>(status.size) || more != 0)
      refuse(name, "another size than it says");
    return data;
  }

  std::string describe(const std::string& name) const override { return path_ + ": " + name; }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& got) const {
    throw InputError(describe(name), "ZIP entry", got,
                     "a whole one of at most " + std::to_string(kMaxBytes) + " bytes");
  }

  std::string path_;
  zip_uint64_t size_ = 0;  // of the archive's file
  std::unique_ptr<zip_t, decltype(&zip_discard)> archive_;
  std::map<std::string, zip_uint64_t, std::less<>> places_;
};

}  // namespace

std::unique_ptr<FileTree> open_folder(const std::string& path) { return std::make_unique<Folder>(path); }

std::unique_ptr<FileTree> open_zip(const std::string& path) { return std::make_unique<Zip>(path); }

}  // namespace verissim::dataset
