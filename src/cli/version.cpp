#include "cli/version.h"

#include <gmp.h>

#include "base/version.h"
#include "cli/libraries.h"
#include "cli/revision.h"

namespace verissim::cli {

std::string version_text() {
  const std::string revision = kRevision;
  const std::string torch = kTorch;
  return std::string("verissim ") + kVersion + (revision.empty() ? "" : "\nrevision " + revision) +
         "\ncompiler " + kCompiler + ", build type " + kBuildType + "\nGMP " + gmp_version + ", " +
         kLibraries + "\ntraining and repair: " + (torch.empty() ? "not built in" : "LibTorch " + torch) +
         "\nSSIM convention of verdicts: global";
}

}  // namespace verissim::cli
