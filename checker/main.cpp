// verissim-check: does a certificate prove what it says about the network and the image that the user names?
#include <cfenv>
#include <cstdio>
#include <map>

#include "check.h"

namespace {

using namespace check;

constexpr const char* kUsage =
    R"(usage: verissim-check CERTIFICATE --model FILE --image FILE --class N --ssim TAU
                      [--arithmetic exact|float32] [--dimension C,H,W]

Checks a certificate that `verissim verify --certificate` wrote, with arithmetic of its own, against the
model and the image named here. Prints ACCEPTED: robust, ACCEPTED: not robust, or REJECTED: where, why.
Exit code: 20 robust, 10 not robust, 1 rejected, 2 wrong usage.
)";

struct Usage {};

// What is computed relies on rounding to nearest, and on numbers below the smallest normal one.
void check_arithmetic() {
  volatile double smallest = std::numeric_limits<double>::min();
  volatile double half = smallest / 2.0;
  demand(std::fegetround() == FE_TONEAREST && half > 0.0 && half + half == smallest, "processor",
         "it does not compute as IEEE 754 says");
}

// The three whole numbers of a text that starts, or is, as the format says; empty if it is not like that.
Shape shape_in(const std::string& text, const char* format) {
  char part[3][7];
  int end = 0;
  if (std::sscanf(text.c_str(), format, part[0], part[1], part[2], &end) != 3 || end == 0) return {};
  return {std::stoll(part[0]), std::stoll(part[1]), std::stoll(part[2])};
}

// The shape of the input: as in the model's file, as given, as in the model's name
// ("model_i1x28x28_l100_o5.pt"), or the image's own.
Shape shape_of(const Network& net, const std::string& option, const std::string& model, const Pixels& image) {
  const Shape given = shape_in(option + '\n', "%6[0-9],%6[0-9],%6[0-9]%*1[\n]%n");
  if (given.empty() && !option.empty()) throw Usage{};
  const Shape named = shape_in(model.substr(model.rfind('/') + 1), "model_i%6[0-9]x%6[0-9]x%6[0-9]_l%n");
  Shape shape = {image.channels, image.height, image.width};
  for (const Shape& known : {named, net.image, given})
    if (!known.empty()) shape = known;
  demand((shape[0] == 1 || shape[0] == 3) && size_of(shape) == static_cast<int64_t>(net.inputs()) &&
             (net.image.empty() || shape == net.image),
         "--dimension", "the network has " + std::to_string(net.inputs()) + " inputs, in another shape");
  return shape;
}

int run(int count, char** words) {
  std::map<std::string, std::string> options;  // "" is the certificate
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i][0] == '-' ? words[i] : "";
    if (name == "--help" || name == "-h") return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
    if (!name.empty() && ++i >= count) throw Usage{};
    if (!options.emplace(name, words[i]).second) throw Usage{};
  }
  options.emplace("--arithmetic", "exact");
  options.emplace("--dimension", "");
  for (const char* name : {"", "--model", "--image", "--class", "--ssim"})
    if (options.count(name) == 0) throw Usage{};
  const std::string& arithmetic = options["--arithmetic"];
  if (options.size() != 7 || (arithmetic != "exact" && arithmetic != "float32")) throw Usage{};
  const std::string& label = options["--class"];
  if (label.size() > 9 || label.find_first_not_of("0123456789") != label.npos) throw Usage{};
  check_arithmetic();
  Problem problem;
  const std::string& model = options["--model"];
  const Bytes data = read_file(model);
  problem.checksum = checksum(data);
  const bool single = arithmetic == "float32";
  const bool zipped = data.size() > 4 && data[0] == 'P' && data[1] == 'K';
  problem.network = zipped ? read_pytorch(data, model, single) : read_onnx(data, model, single);
  const Pixels image = read_png(options["--image"]);
  problem.shape = shape_of(problem.network, options["--dimension"], model, image);
  problem.reference = as_values(image, problem.shape);
  problem.label = std::stoul(label);
  demand(problem.label < problem.network.outputs(), "--class", "there is no such output");
  problem.limit = options["--ssim"];
  const std::string verdict = check_certificate(options[""], problem);
  std::printf("ACCEPTED: %s\n", verdict.c_str());
  return verdict == "not robust" ? 10 : 20;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const Usage&) {
    std::fputs(kUsage, stderr);
    return 2;
  } catch (const std::exception& error) {  // also where memory runs out
    std::string line = error.what();       // which may hold texts of the files
    for (char& c : line) c = c < ' ' || c > '~' ? '?' : c;
    std::printf("REJECTED: %s\n", line.c_str());
    return 1;
  }
}
