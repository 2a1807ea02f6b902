// Reads a certificate and checks every step of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network.h"

namespace check {

// The problem that the user names, read from the user's own files.
struct Problem {
  std::string model_digest;
  Network network;
  int64_t channels = 0, height = 0, width = 0;
  std::vector<float> reference;
  int64_t label = 0;
  std::string measure = "ssim";
  std::string limit;  // as written
};

enum class Verdict { kRobust, kNotRobust };

struct Accepted {
  Verdict verdict = Verdict::kRobust;
  int64_t leaves = 0;
  int64_t frames = 0;
};

// Throws Rejected unless the certificate is for this problem and proves its verdict.
Accepted check_certificate(const std::string& file, const Problem& problem);

}  // namespace check
