// Reads a certificate and checks every step of it.
#pragma once

#include "network.h"

namespace check {

// The problem that the user names, read from the user's own files.
struct Problem {
  Network network;
  uint64_t checksum = 0;  // of the network's file
  Shape shape;            // of the image: channels, height, width
  std::vector<float> reference;
  int64_t label = 0;
  std::string limit;  // as written
};

struct Accepted {
  bool robust = false;
  int64_t leaves = 0, frames = 0;
};

// Throws Rejected unless the certificate is for this problem and proves its verdict.
Accepted check_certificate(const std::string& file, const Problem& problem);

}  // namespace check
