// Looks for an image that is as similar as demanded and gets another class:
//   attack MODEL IMAGE CLASS SSIM
#include <verissim/verissim.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE CLASS SSIM\n", argv[0]);
    return 2;
  }
  const auto model = verissim::Model::load(argv[1]);
  const auto reference = verissim::load_picture(argv[2], model.input());
  const auto found = verissim::find_counterexample(model, reference, std::atoll(argv[3]), argv[4]);

  if (!found) {
    std::printf("none was found, which proves nothing\n");
  } else {
    std::printf("SSIM %.6f, class %lld, margin %g\n", found->ssim, static_cast<long long>(found->rival),
                found->margin);
  }
  return 0;
} catch (const verissim::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
