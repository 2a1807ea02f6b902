// Little address space: OpenBLAS, which asks again and again for the buffers that it is not given, must not
// be asked for anything then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/process.h"
#include "experiment/small_inputs.h"

namespace verissim::cli {
namespace {

using testing::Ended;
using ::testing::HasSubstr;

class Memory : public ::testing::Test {
 protected:
  Memory() {
    network::save_model(folder_.file("model.pt"), testing::hard_network());
    image::write_png(folder_.file("image.png"), testing::hard_image());
  }

  // Ended by a signal if it takes half a minute of the processor's time.
  Ended verify(int megabytes, const std::string& threads) const {
    const std::string limits =
        "ulimit -t 30 && ulimit -v " + std::to_string(megabytes * 1024) + " && exec \"$@\"";
    return testing::Process({"/bin/sh", "-c", limits, "sh", VERISSIM_PROGRAM, "verify", "--model",
                             folder_.file("model.pt"), "--dimension", "1,12,12", "--image",
                             folder_.file("image.png"), "--class", "0", "--ssim", "0.9999", "--threads",
                             threads, "--quiet"})
        .wait();
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Memory, WithLittleItEndsWithAVerdictOrALine) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer itself needs more address space than any limit here";
#endif
  int verdicts = 0;
  int refused = 0;
  for (const int megabytes : {50, 100, 150, 200, 250, 300, 400, 500, 700, 1000}) {
    SCOPED_TRACE(std::to_string(megabytes) + " MB");
    const Ended ended = verify(megabytes, megabytes % 100 == 0 ? "4" : "1");
    ASSERT_EQ(ended.signal, 0) << "it hangs, or crashed: " << ended.err;
    if (ended.code == 20) {
      ++verdicts;
    } else if (ended.code == 3) {
      ++refused;
      EXPECT_THAT(ended.err, HasSubstr("verissim: out of memory"));
      EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    } else {
      EXPECT_EQ(ended.code, 127) << ended.out << ended.err;  // too little for the libraries
    }
  }
  EXPECT_GE(verdicts, 2);
  EXPECT_GE(refused, 1) << "some are too little for a buffer of 128 MB";
}

}  // namespace
}  // namespace verissim::cli
