// verissim-check: does a certificate prove what it says about the network and the image that the user names?
#include <cfenv>
#include <cstdio>
#include <map>

#include "check.h"

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

// Three whole numbers between `before`, `x`, `x` and `after`; empty if the text is not like that.
Shape shape_in(const std::string& text, const char* format) {
  int used = 0;
  long long c = 0;
  long long h = 0;
  long long w = 0;
  if (std::sscanf(text.c_str(), format, &c, &h, &w, &used) != 3 || used == 0) return {};
  return c > 0 && h > 0 && w > 0 && c < 1 << 20 && h < 1 << 20 && w < 1 << 20 ? Shape{c, h, w} : Shape{};
}

// The shape of the input: as in the model's file, as given, as in the model's name
// ("model_i1x28x28_l100_o5.pt"), or the image's own.
Shape shape_of(const Network& network, const std::string& dimension, const std::string& model,
               const Pixels& image) {
  const Shape given = shape_in(dimension, "%lld,%lld,%lld%n");
  if (given.empty() && !dimension.empty()) throw Usage{};
  Shape shape = shape_in(model.substr(model.rfind('/') + 1), "model_i%lldx%lldx%lld_l%n");
  if (shape.empty()) shape = {image.channels, image.height, image.width};
  if (!given.empty()) shape = given;
  if (given.empty() && !network.image.empty()) shape = network.image;
  demand((shape[0] == 1 || shape[0] == 3) && size_of(shape) == static_cast<int64_t>(network.inputs()) &&
             (network.image.empty() || shape == network.image),
         "--dimension", "the network has " + std::to_string(network.inputs()) + " inputs, in another shape");
  return shape;
}

int run(int count, char** words) {
  std::map<std::string, std::string> options;  // "" is the certificate
  const std::vector<std::string> known = {"--model", "--image", "--class", "--ssim", "--dimension"};
  for (int i = 1; i < count; ++i) {
    std::string name = words[i];
    if (name == "--help" || name == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (!name.starts_with("-")) name.clear();
    if (!name.empty() && (std::find(known.begin(), known.end(), name) == known.end() || ++i >= count))
      throw Usage{};
    if (!options.emplace(name, words[i]).second) throw Usage{};
  }
  const std::string& label = options["--class"];
  if (options.size() - options.count("--dimension") != 5 || label.empty() || label.size() > 9 ||
      label.find_first_not_of("0123456789") != label.npos)
    throw Usage{};
  check_arithmetic();
  Problem problem;
  const std::string& model = options["--model"];
  const Bytes data = read_file(model);
  problem.checksum = checksum(data);
  const bool zipped = data.size() > 4 && data[0] == 'P' && data[1] == 'K';
  problem.network = zipped ? read_pytorch(data, model) : read_onnx(data, model);
  const Pixels image = read_png(options["--image"]);
  problem.shape = shape_of(problem.network, options["--dimension"], model, image);
  problem.reference = as_values(image, problem.shape);
  problem.label = std::stoll(label);
  demand(problem.label < static_cast<int64_t>(problem.network.outputs()), "--class",
         "there is no such output");
  problem.limit = options["--ssim"];
  const Accepted accepted = check_certificate(options[""], problem);
  if (accepted.robust)
    std::printf("ACCEPTED: robust: %lld parts of the region, %lld frames\n",
                static_cast<long long>(accepted.leaves), static_cast<long long>(accepted.frames));
  else
    std::printf("ACCEPTED: not robust\n");
  return accepted.robust ? 20 : 10;
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
