// Instead of libFuzzer in ordinary builds: feeds a target with every file of its corpus, and with damaged
// copies.
//
//     fuzz_png [--damaged N] FILE-OR-FOLDER...
//
// N damaged copies of each file, the same ones each time. An input that takes longer than 30 seconds counts
// as a hang. The exit code is 0 only if files were found and all went well.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "fuzz/target.h"

namespace {

using verissim::Rng;
using Bytes = std::vector<std::byte>;

constexpr unsigned kSeconds = 30;
char shown[4096] = "";  // the input that is read, for a signal's handler

void on_signal(int signal) {
  const char* words = signal == SIGALRM ? "fuzz: a hang at " : "fuzz: a crash at ";
  bool told = write(STDERR_FILENO, words, std::strlen(words)) > 0;
  told = write(STDERR_FILENO, shown, std::strlen(shown)) > 0 && told;
  told = write(STDERR_FILENO, "\n", 1) > 0 && told;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::vector<std::string> files_of(const std::vector<std::string>& places) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& place : places) {
    if (!fs::exists(place)) continue;  // a target of which nothing was ever found
    if (!fs::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Other bytes in some places, a piece moved, or the end cut off.
Bytes damaged(Bytes bytes, Rng& rng) {
  if (bytes.empty()) return bytes;
  const auto place = [&] { return static_cast<std::ptrdiff_t>(rng.below(bytes.size())); };
  switch (rng.below(3)) {
    case 0:
      for (uint64_t count = 1 + rng.below(4); count > 0; --count)
        bytes[static_cast<size_t>(place())] = static_cast<std::byte>(rng.below(256));
      break;
    case 1: {
      const std::ptrdiff_t from = place();
      const std::ptrdiff_t to = place();
      const auto most = static_cast<std::ptrdiff_t>(bytes.size()) - std::max(from, to);
      std::copy_n(bytes.begin() + from, std::min<std::ptrdiff_t>(most, 1 + place() % 64), bytes.begin() + to);
      break;
    }
    default:
      bytes.resize(static_cast<size_t>(place()));
  }
  return bytes;
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> places(words + 1, words + count);
  int copies = 0;
  if (places.size() >= 2 && places[0] == "--damaged") {
    copies = std::atoi(places[1].c_str());
    places.erase(places.begin(), places.begin() + 2);
  }
  for (const int signal : {SIGALRM, SIGABRT, SIGSEGV, SIGFPE}) std::signal(signal, on_signal);
  size_t inputs = 0;
  double worst = 0.0;
  for (const std::string& file : files_of(places)) {
    const Bytes whole = verissim::read_file(file);
    Rng rng(1);
    for (int copy = 0; copy <= copies; ++copy) {
      const Bytes bytes = copy == 0 ? whole : damaged(whole, rng);
      std::snprintf(shown, sizeof shown, "%s, copy %d", file.c_str(), copy);
      alarm(kSeconds);
      const auto most = static_cast<double>(verissim::fuzz::try_input(bytes));
      alarm(0);
      worst = std::max(worst, (most - static_cast<double>(verissim::fuzz::kMemory.base)) /
                                  static_cast<double>(std::max<size_t>(bytes.size(), 1)));
      ++inputs;
    }
  }
  std::printf("%zu inputs; beyond the base of %zu bytes at most %.0f bytes of memory a byte, allowed %zu\n",
              inputs, verissim::fuzz::kMemory.base, std::max(worst, 0.0), verissim::fuzz::kMemory.factor);
  return inputs > 0 ? 0 : 1;
}
