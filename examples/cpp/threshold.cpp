// Encloses the SSIM down to which a network is robust around an image:
//   threshold MODEL IMAGE CLASS GAP
#include <verissim/verissim.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE CLASS GAP\n", argv[0]);
    return 2;
  }
  const auto model = verissim::Model::load(argv[1]);
  const auto reference = verissim::load_picture(argv[2], model.input());
  const verissim::Threshold found = verissim::find_threshold(
      model, reference, std::atoll(argv[3]), verissim::Measure::kSsim, {}, std::atof(argv[4]));

  std::printf("robust from SSIM %s on, not at %s (%s)\n",
              found.proved_at.empty() ? "(nothing proved)" : found.proved_at.c_str(),
              found.refuted_at.empty() ? "(nothing refuted)" : found.refuted_at.c_str(),
              found.reason.c_str());
  return 0;
} catch (const verissim::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
