// The share of images around which a network is robust:
//   sweep MODEL SSIM IMAGE CLASS [IMAGE CLASS]...
#include <verissim/verissim.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  if (argc < 5 || argc % 2 == 0) {
    std::fprintf(stderr, "usage: %s MODEL SSIM IMAGE CLASS [IMAGE CLASS]...\n", argv[0]);
    return 2;
  }
  const auto model = verissim::Model::load(argv[1]);
  verissim::Settings settings;
  settings.timeout_seconds = 60.0;  // for each image
  int robust = 0;
  for (int i = 3; i < argc; i += 2) {
    const auto reference = verissim::load_picture(argv[i], model.input());
    const verissim::Answer answer =
        verissim::verify(model, reference, std::atoll(argv[i + 1]), argv[2], settings);
    std::printf("%s: %s, margin %g\n", argv[i], verissim::to_string(answer.verdict), answer.margin_bound);
    robust += answer.verdict == verissim::Verdict::kRobust ? 1 : 0;
  }
  std::printf("robust: %d of %d\n", robust, (argc - 3) / 2);
  return 0;
} catch (const verissim::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
