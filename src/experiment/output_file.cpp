#include "experiment/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace verissim::experiment {
namespace {

namespace fs = std::filesystem;

// Files are written beside their place and renamed, so what counts is whether a new file can be made there;
// permission bits alone do not tell (read-only mounts, the superuser).
void check_new_file(const std::string& file) {
  std::string trial = file + ".XXXXXX";
  const int fd = ::mkstemp(trial.data());
  if (fd < 0) throw InputError(file, "cannot be written", std::strerror(errno), "");
  ::close(fd);
  ::unlink(trial.c_str());
}

}  // namespace

void check_output_file(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) throw InputError(file, "cannot be written", "a folder", "the name of a file");
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw InputError(file, "cannot be written", "a device or pipe", "the name of a file");
  check_new_file(file);
}

void check_network_output(const std::string& file) {
  const std::string ending = fs::path(file).extension().string();
  if (ending != ".pt" && ending != ".pth" && ending != ".safetensors")
    throw InputError(file, "cannot be written", "'" + ending + "'",
                     "a name that ends in .pt, .pth or .safetensors");
  check_output_file(file);
}

}  // namespace verissim::experiment
