// The folder of one run. It is made by one atomic mkdir, so that two runs at once never share one.
#pragma once

#include <string>
#include <string_view>

#include "experiment/config.h"

namespace verissim::experiment {

// "i1x4x4_l6-6-6_o5_ssim": what the names of a config's run folders start with.
std::string run_folder_stem(const Config& config);

// "reference_001"
std::string numbered_name(const std::string& stem, int64_t number);

inline constexpr const char* kSettingsFile = "params.json";
inline constexpr const char* kReportFile = "report.json";
inline constexpr const char* kStates = "states";  // the folder of what a run needs to be gone on with

class RunFolder {
 public:
  // Makes <base>/<stem>_<NNN>, NNN one above the highest that is there, from 001 on, and <base> where it is
  // missing. Throws InputError if the folder cannot be made.
  static RunFolder create(const std::string& base, const std::string& stem);

  // The folder of a run that was interrupted. Throws InputError if it is no run's, or the run is finished;
  // then it removes the states, which a kill between the run's last two steps leaves.
  static RunFolder open(const std::string& path);

  // Removes the parts of files that a killed run has left. No run may be at work in the folder.
  void remove_parts() const;

  // Keeps the folder, an absolute path, that the relative paths of the run's settings count from, as long as
  // the run is not finished. Throws InputError if it cannot.
  void keep_base(const std::string& base) const;
  // That folder; "" if none was kept or it is no more. Throws InputError if what was kept is damaged.
  std::string base() const;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// A text file that grows by whole lines, each with the time (UTC) before it.
class RunLog {
 public:
  // Throws InputError if the file cannot be made, or another run is writing to it.
  explicit RunLog(const std::string& path);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // A line that cannot be written (disk full) is lost; the run goes on.
  void write(std::string_view line);

 private:
  int fd_;
};

// "2026-03-01T12:00:00Z", now.
std::string utc_time();

}  // namespace verissim::experiment
