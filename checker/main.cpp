// verissim-check: does a certificate prove what it says about the network and the image that the user names?
#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "certificate.h"
#include "image.h"
#include "model.h"

namespace {

using namespace check;

constexpr const char* kUsage =
    "usage: verissim-check CERTIFICATE --model FILE --image FILE --class N --ssim TAU [--dimension C,H,W]\n"
    "\n"
    "Checks a certificate that `verissim verify --certificate` wrote, with arithmetic of its own, against "
    "the\n"
    "model and the image named here. Prints ACCEPTED: robust, ACCEPTED: not robust, or REJECTED: where, "
    "why.\n"
    "Exit code: 20 robust, 10 not robust, 1 rejected, 2 wrong usage.\n";

struct Usage {};

// What is computed relies on rounding to nearest, and on numbers below the smallest normal one.
void check_arithmetic() {
  volatile double smallest = std::numeric_limits<double>::min();
  volatile double half = smallest / 2.0;
  demand(std::fegetround() == FE_TONEAREST && half > 0.0 && half + half == smallest, "processor",
         "it does not compute as IEEE 754 says");
}

int64_t whole(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    throw Usage{};
  return std::stoll(text);
}

// The shape of the input: as given, as in the model's name ("model_i1x28x28_l100_o5.pt"), or the image's own.
void set_shape(Problem& problem, const std::string& dimension, const std::string& model,
               const Pixels& image) {
  int64_t c = image.channels;
  int64_t h = image.height;
  int64_t w = image.width;
  const std::string name = model.substr(model.rfind('/') == std::string::npos ? 0 : model.rfind('/') + 1);
  int used = 0;
  long long a = 0;
  long long b = 0;
  long long d = 0;
  if (!dimension.empty()) {
    const bool read = std::sscanf(dimension.c_str(), "%lld,%lld,%lld%n", &a, &b, &d, &used) == 3;
    if (!read || static_cast<size_t>(used) != dimension.size()) throw Usage{};
    c = a, h = b, w = d;
  } else if (std::sscanf(name.c_str(), "model_i%lldx%lldx%lld_l%n", &a, &b, &d, &used) == 3 && used > 0 &&
             a > 0 && b > 0 && d > 0 && a < 1 << 20 && b < 1 << 20 && d < 1 << 20 &&
             a * b * d == static_cast<int64_t>(problem.network.inputs())) {
    c = a, h = b, w = d;
  }
  demand((c == 1 || c == 3) && h > 0 && w > 0 && h < 1 << 20 && w < 1 << 20 &&
             c * h * w == static_cast<int64_t>(problem.network.inputs()),
         "--dimension",
         "the network has " + std::to_string(problem.network.inputs()) + " inputs, which is not " +
             std::to_string(c) + " x " + std::to_string(h) + " x " + std::to_string(w));
  problem.channels = c, problem.height = h, problem.width = w;
}

int run(int count, char** words) {
  std::string certificate;
  std::map<std::string, std::string> options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    const bool known = word == "--model" || word == "--image" || word == "--class" || word == "--ssim" ||
                       word == "--dimension";
    if (known) {
      if (i + 1 >= count || !options.emplace(word, words[i + 1]).second) throw Usage{};
      ++i;
    } else {
      if (word.starts_with("-") || !certificate.empty()) throw Usage{};
      certificate = word;
    }
  }
  if (certificate.empty() || options.size() - options.count("--dimension") != 4) throw Usage{};
  check_arithmetic();
  Problem problem;
  const std::string& model = options["--model"];
  const Bytes data = read_file(model);
  problem.model_digest = sha256(data);
  problem.network = read_pytorch(data, model);
  const Pixels image = read_png(options["--image"]);
  set_shape(problem, options["--dimension"], model, image);
  problem.reference = as_values(image, problem.channels, problem.height, problem.width);
  problem.label = whole(options["--class"]);
  demand(problem.label < static_cast<int64_t>(problem.network.outputs()), "--class",
         "the network has no such output");
  problem.limit = options["--ssim"];
  const Accepted accepted = check_certificate(certificate, problem);
  if (accepted.verdict == Verdict::kRobust) {
    std::printf("ACCEPTED: robust: %lld parts of the region, %lld frames\n",
                static_cast<long long>(accepted.leaves), static_cast<long long>(accepted.frames));
    return 20;
  }
  std::printf("ACCEPTED: not robust\n");
  return 10;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const Usage&) {
    std::fputs(kUsage, stderr);
    return 2;
  } catch (const std::exception& error) {  // also where memory runs out
    std::printf("REJECTED: %s\n", error.what());
    return 1;
  }
}
