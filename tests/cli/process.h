// Runs a program and catches what it says.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace verissim::testing {

struct Ended {
  int code = -1;    // of exit; -1 if a signal ended it
  int signal = 0;   // that ended it
  std::string out;  // standard output
  std::string err;  // standard error
};

class Process {
 public:
  explicit Process(std::vector<std::string> words) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string out = folder_.file("out");
    const std::string err = folder_.file("err");
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { ::kill(pid_, signal); }
  // What it has said so far on standard error.
  std::string said() const {
    const std::string file = folder_.file("err");
    return ::access(file.c_str(), R_OK) == 0 ? read_text_file(file) : "";
  }

  Ended wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    Ended result;
    if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    result.out = read_text_file(folder_.file("out"));
    result.err = read_text_file(folder_.file("err"));
    return result;
  }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

// The program `verissim` with these arguments.
inline std::vector<std::string> verissim_with(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {VERISSIM_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

inline Ended run_verissim(const std::vector<std::string>& arguments) {
  return Process(verissim_with(arguments)).wait();
}

}  // namespace verissim::testing
