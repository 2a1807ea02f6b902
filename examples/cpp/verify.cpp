// Asks whether a network is robust around an image:
//   verify MODEL IMAGE CLASS SSIM
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
  const verissim::Answer answer = verissim::verify(model, reference, std::atoll(argv[3]), argv[4]);

  std::printf("%s (%s), margin bound %g, %lld subproblems\n", verissim::to_string(answer.verdict),
              answer.reason.c_str(), answer.margin_bound, static_cast<long long>(answer.subproblems));
  if (answer.counterexample) {
    std::printf("counterexample: SSIM %.6f, class %lld\n", answer.counterexample->ssim,
                static_cast<long long>(answer.counterexample->rival));
  }
  return 0;
} catch (const verissim::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
