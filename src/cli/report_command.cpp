#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/format.h"
#include "report/page.h"

namespace verissim::cli {
namespace {

// Writes the page; returns its name.
std::string write(const Arguments& arguments) {
  const std::vector<std::string>& folders = arguments.folders;
  if (folders.size() == 1) {
    const std::string file =
        arguments.out.empty() ? folders.front() + "/" + report::kPageName : arguments.out;
    report::write_run_page(folders.front(), file);
    return file;
  }
  std::vector<report::Run> runs;
  for (const std::string& folder : folders) runs.push_back(report::read_run(folder));
  const std::string file = arguments.out.empty() ? "comparison.html" : arguments.out;
  write_text_file(file, report::comparison_page(runs));
  return file;
}

}  // namespace

int report_command(const Arguments& arguments, Context&) {
  const std::string file = write(arguments);
  print(arguments.json ? nlohmann::json{{"file", file}, {"runs", arguments.folders.size()}}.dump() + "\n"
                       : "Written: " + file + " (" +
                             format_count(static_cast<int64_t>(arguments.folders.size()), "run") + ")\n");
  return kNoVerdict;
}

}  // namespace verissim::cli
