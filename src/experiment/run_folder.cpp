#include "experiment/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/state.h"
#include "report/page.h"
#include "report/run.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;

// What is in the names of files that are being written (base/file.h, certificate/packed_file.h).
constexpr const char* kPartialName = ".partial-";

// The number of a folder called <stem>_<digits>, 0 for any other name.
int64_t run_number(const std::string& name, const std::string& stem) {
  if (!name.starts_with(stem + "_")) return 0;
  const char* first = name.data() + stem.size() + 1;
  const char* last = name.data() + name.size();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(first, last, number);
  return error == std::errc{} && end == last && number > 0 && number < 1000000000 ? number : 0;
}

int64_t highest_number(const std::string& base, const std::string& stem) {
  int64_t highest = 0;
  std::error_code error;
  for (fs::directory_iterator entry(base, error), end; !error && entry != end; entry.increment(error)) {
    highest = std::max(highest, run_number(entry->path().filename().string(), stem));
  }
  return highest;
}

}  // namespace

std::string numbered_name(const std::string& stem, int64_t number) {
  const std::string digits = std::to_string(number);
  return stem + "_" + std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

std::string run_folder_stem(const Config& config) {
  std::string hidden;
  for (const int64_t size : config.hidden_layers)
    hidden += (hidden.empty() ? "" : "-") + std::to_string(size);
  if (hidden.empty()) hidden = "any";
  return "i" + to_string(config.dimension) + "_l" + hidden + "_o" +
         std::to_string(number_of_classes(config)) + "_" + config.distance;
}

RunFolder RunFolder::create(const std::string& base, const std::string& stem) {
  std::error_code error;
  fs::create_directories(base, error);
  if (error && !fs::is_directory(base)) throw InputError(base, "folder cannot be made", error.message(), "");
  for (int64_t number = highest_number(base, stem) + 1;; ++number) {
    const std::string path = (fs::path(base) / numbered_name(stem, number)).string();
    if (::mkdir(path.c_str(), 0777) == 0) return RunFolder(path);
    // Another run was faster: the next number.
    if (errno != EEXIST) throw InputError(path, "folder cannot be made", std::strerror(errno), "");
  }
}

RunFolder RunFolder::open(const std::string& path) {
  fs::path plain = fs::path(path).lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();  // "results/x/"
  const RunFolder folder(plain.string());
  std::error_code error;
  if (!fs::exists(folder.file(kSettingsFile), error))
    throw InputError(path, "", std::string("no ") + kSettingsFile,
                     "the folder of a run that was interrupted");
  const bool ended =
      fs::exists(folder.file(kReportFile), error) && fs::exists(folder.file(report::kPageName), error);
  if (ended && report::read_run(folder.path()).finished) {
    fs::remove_all(folder.file(kStates), error);
    throw InputError(path, "", "a run that is finished", "one that was interrupted");
  }
  return folder;
}

void RunFolder::remove_parts() const {
  std::vector<fs::path> parts;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().find(kPartialName) != std::string::npos)
      parts.push_back(entry->path());
  }
  for (const fs::path& part : parts) fs::remove(part, error);
}

namespace {

FileKeeper base_keeper(const RunFolder& folder) {
  return {folder.file(kStates) + "/base", "the base of relative paths", 0.0, true};
}

}  // namespace

void RunFolder::keep_base(const std::string& base) const {
  std::error_code error;
  fs::create_directories(file(kStates), error);
  if (error) throw InputError(file(kStates), "folder cannot be made", error.message(), "");
  FileKeeper keeper = base_keeper(*this);
  keeper.keep(std::as_bytes(std::span(base)));
  if (!keeper.failure().empty()) throw InputError(keeper.failure());
}

std::string RunFolder::base() const {
  const FileKeeper keeper = base_keeper(*this);
  const auto* text = reinterpret_cast<const char*>(keeper.begin_with().data());
  const std::string base(text, keeper.begin_with().size());
  std::error_code error;
  return fs::is_directory(base, error) ? base : "";
}

RunLog::RunLog(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw InputError(path, "cannot be written", std::strerror(errno), "");
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return;  // some file systems have no locks
  ::close(fd_);
  throw InputError(path, "", "a run that is at work", "one that was interrupted");
}

RunLog::~RunLog() { ::close(fd_); }

void RunLog::write(std::string_view line) {
  const std::string text = utc_time() + " " + std::string(line) + "\n";
  struct stat before {};
  const bool known = ::fstat(fd_, &before) == 0;
  // One write for the whole line, so that a crash cannot cut it; a full disk can.
  const ssize_t count = ::write(fd_, text.data(), text.size());
  const bool cut = count >= 0 && static_cast<size_t>(count) < text.size();
  if (cut && known && ::ftruncate(fd_, before.st_size) != 0) return;
}

std::string utc_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace verissim::experiment
