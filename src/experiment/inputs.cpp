#include "experiment/inputs.h"

#include <algorithm>

#include "base/error.h"

namespace verissim::experiment {
namespace {

template <typename Files, typename File>
const auto* find(const Files& files, const File& wanted) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) {
    return file.role == wanted.role && file.path == wanted.path;
  });
  return found == files.end() ? nullptr : &*found;
}

}  // namespace

void compare_inputs(const report::Run& before, std::span<const FileFact> now) {
  if (before.inputs.empty()) return;  // it had not come so far
  for (const report::FileFacts& file : before.inputs) {
    const std::string wanted = "the file of before, with the SHA-256 " + file.sha256;
    const FileFact* same = find(now, file);
    if (same != nullptr && same->sha256 != file.sha256)
      throw InputError(file.path, "", "another " + file.role + " than the run began with", wanted);
    const bool is_made_again = file.role == kModelRole && before.trained;
    if (same == nullptr && !is_made_again) throw InputError(file.path, "", "no " + file.role, wanted);
  }
  for (const FileFact& file : now) {
    if (file.role == kReferenceRole && find(before.inputs, file) == nullptr)
      throw InputError(file.path, "", "a reference more than the run began with", "those of before");
  }
}

}  // namespace verissim::experiment
