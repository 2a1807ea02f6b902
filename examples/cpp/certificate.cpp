// Writes down the proof of a verdict, and leaves the last word to the independent checker, which has to be on
// the path:
//   certificate MODEL IMAGE CLASS SSIM FILE
#include <unistd.h>
#include <verissim/verissim.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s MODEL IMAGE CLASS SSIM FILE\n", argv[0]);
    return 2;
  }
  const auto model = verissim::Model::load(argv[1]);
  const auto reference = verissim::load_picture(argv[2], model.input());
  verissim::Settings settings;
  settings.certificate = argv[5];
  const verissim::Answer answer = verissim::verify(model, reference, std::atoll(argv[3]), argv[4], settings);

  std::printf("%s (%s)\n", verissim::to_string(answer.verdict), answer.reason.c_str());
  if (!answer.no_certificate.empty()) {
    std::printf("no certificate: %s\n", answer.no_certificate.c_str());
    return 0;
  }
  std::fflush(stdout);
  execlp("verissim-check", "verissim-check", argv[5], "--model", argv[1], "--image", argv[2], "--class",
         argv[3], "--ssim", argv[4], static_cast<char*>(nullptr));
  std::perror("verissim-check");
  return 1;
} catch (const verissim::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
