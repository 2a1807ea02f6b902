#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"

namespace verissim::dataset {

// A file to be downloaded. Its publisher's checksum decides whether what arrived is the file.
struct RemoteFile {
  std::string name;               // on the disk
  std::string md5;                // 32 hexadecimal digits
  std::vector<std::string> urls;  // tried in this order
};

struct Progress {
  std::string activity;  // "downloading t10k-labels-idx1-ubyte.gz", "reading GTSRB"
  uint64_t done = 0;     // bytes, or images
  uint64_t total = 0;    // 0: not known
};
// Must not throw.
using ProgressSink = std::function<void(const Progress&)>;

// Downloads those of the files that are not yet in the folder, which is made if absent. Each is written to
// "<name>.partial" and renamed when it is whole; a part that an earlier attempt left is continued. Several
// processes may do this at once: one downloads a file while the others wait for it. False: stopped; the part
// is kept. Throws InputError, which says what failed at each place and names all files still missing and the
// folder to put them in by hand.
bool download(std::span<const RemoteFile> files, const std::string& folder, const ProgressSink& progress,
              const StopToken& stop);

}  // namespace verissim::dataset
