// Writes man pages, shell completion and the reference page into a folder: verissim_pages FOLDER
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "cli/pages.h"
#include "cli/reference.h"

namespace verissim::cli {
namespace {

void write_all(const std::string& folder) {
  std::filesystem::create_directories(folder + "/man1");
  write_text_file(folder + "/man1/verissim.1", man_page());
  for (const Command& command : commands()) {
    write_text_file(folder + "/man1/verissim-" + std::string(command.word) + ".1", man_page(command));
  }
  write_text_file(folder + "/command-line.md", command_line_page());
  write_text_file(folder + "/verissim.bash", bash_completion());
  write_text_file(folder + "/_verissim", zsh_completion());
  write_text_file(folder + "/verissim.fish", fish_completion());
}

}  // namespace
}  // namespace verissim::cli

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: verissim_pages FOLDER\n", stderr);
    return 2;
  }
  try {
    verissim::cli::write_all(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "verissim_pages: %s\n", error.what());
    return 3;
  }
  return 0;
}
