// The competition's command: result files, exit codes, and counterexamples that onnxruntime confirms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "support/shared_data.h"

namespace verissim::cli {
namespace {

using testing::Ended;
using ::testing::HasSubstr;
using testing::have;
using testing::run_verissim;
using testing::shared_data;
using ::testing::StartsWith;

const std::string kData = VERISSIM_SOURCE_DIR "/tests/network/data";

// Bounds [0, 1] of six inputs, and what is said of two outputs.
std::string property(const std::string& asserts) {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    const std::string x = "X_" + std::to_string(i);
    text += "(declare-const " + x + " Real)\n(assert (and (>= " + x + " 0) (<= " + x + " 1)))\n";
  }
  return text + "(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n" + asserts;
}

class Vnncomp : public ::testing::Test {
 protected:
  Ended ask(const std::string& network, const std::string& asserts, const std::string& timeout = "60") {
    write_text_file(property_, property(asserts));
    return run_verissim({"vnncomp", network, property_, "--timeout", timeout, "--out", result_, "-q"});
  }

  // Skips what needs an interpreter where there is none.
  void expect_confirmed(const std::string& network, const std::string& asked) const {
    const char* python = std::getenv("VERISSIM_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "VERISSIM_PYTHON names no Python interpreter";
    testing::Process check(
        {python, VERISSIM_SOURCE_DIR "/tests/cli/check_witness.py", network, asked, result_});
    const Ended ended = check.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
  }

  testing::TemporaryFolder folder_;
  std::string property_ = folder_.file("p.vnnlib");
  std::string result_ = folder_.file("result.txt");
};

TEST_F(Vnncomp, SatComesWithAPoint) {
  const Ended ended =
      ask(kData + "/mlp.onnx", "(assert (or (and (<= Y_0 Y_1) (>= Y_1 -1000)) (>= Y_0 Y_1)))");
  EXPECT_EQ(ended.code, 10);
  EXPECT_THAT(ended.out, StartsWith("sat\n((X_0 "));
  EXPECT_THAT(ended.out, HasSubstr("\n (X_5 "));
  EXPECT_THAT(ended.out, HasSubstr("\n (Y_1 "));
  EXPECT_EQ(read_text_file(result_), ended.out);
  EXPECT_EQ(ended.err, "");
  expect_confirmed(kData + "/mlp.onnx", property_);
}

TEST_F(Vnncomp, PackedNetworksAreRead) {
  const Ended ended = ask(kData + "/mlp.onnx.gz", "(assert (>= Y_0 1000)) (assert (<= Y_1 Y_0))");
  EXPECT_EQ(ended.code, 20);
  EXPECT_EQ(ended.out, "unsat\n");
  EXPECT_EQ(read_text_file(result_), "unsat\n");
  EXPECT_EQ(ended.err, "");
}

TEST_F(Vnncomp, ErrorsAreAnAnswer) {
  const Ended ended = ask(kData + "/mlp.onnx", "(assert (>= Y_2 0))");
  EXPECT_EQ(ended.code, 3);
  EXPECT_EQ(ended.out, "error\n");
  EXPECT_EQ(read_text_file(result_), "error\n");
  EXPECT_EQ(ended.err, "verissim: " + property_ + ": line 15: got 'Y_2', wanted a declared variable\n");
}

TEST_F(Vnncomp, SizesMustAgree) {
  write_text_file(property_,
                  "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (and (<= X_0 1) (>= X_0 0)))");
  const Ended ended = run_verissim({"vnncomp", kData + "/mlp.onnx", property_});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, HasSubstr("1 inputs, wanted 6, as the network has"));
}

TEST_F(Vnncomp, ResultsThatCannotBeWrittenAreRefusedAtOnce) {
  result_ = folder_.path();
  const Ended ended = ask(kData + "/mlp.onnx", "(assert (>= Y_0 1000))");
  EXPECT_EQ(ended.code, 3);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, HasSubstr("cannot be written"));
}

// A few quick instances of the competition.
class Competition : public Vnncomp {
 protected:
  void SetUp() override {
    if (!have(folder())) GTEST_SKIP() << "no folder " << folder() << " (see VERISSIM_SHARED_DATA)";
  }
  static std::string folder() { return shared_data() + "/vnncomp"; }

  Ended run(const std::string& network, const std::string& asked, const std::string& timeout = "100") {
    return run_verissim(
        {"vnncomp", folder() + network, folder() + asked, "--timeout", timeout, "-o", result_, "-q"});
  }
};

const std::string kAcas = "/acasxu/ACASXU_run2a_";
const std::string kMnist = "/mnist_fc/mnist-net_256x2.onnx.gz";

TEST_F(Competition, UnsatInstances) {
  EXPECT_EQ(run(kAcas + "1_1_batch_2000.onnx.gz", "/acasxu/prop_1.vnnlib.gz").out, "unsat\n");
  EXPECT_EQ(run(kAcas + "2_2_batch_2000.onnx.gz", "/acasxu/prop_3.vnnlib.gz").out, "unsat\n");
  EXPECT_EQ(run(kAcas + "4_5_batch_2000.onnx.gz", "/acasxu/prop_4.vnnlib.gz").out, "unsat\n");
  EXPECT_EQ(run(kMnist, "/mnist_fc/prop_0_0.03.vnnlib.gz").out, "unsat\n");
}

TEST_F(Competition, SatInstances) {
  const std::string network = kAcas + "2_2_batch_2000.onnx.gz";
  const std::string asked = "/acasxu/prop_2.vnnlib.gz";
  EXPECT_THAT(run(network, asked).out, StartsWith("sat\n"));
  expect_confirmed(folder() + network, folder() + asked);
  for (const char* name : {"/mnist_fc/prop_1_0.03.vnnlib.gz", "/mnist_fc/prop_12_0.05.vnnlib.gz"}) {
    EXPECT_THAT(run(kMnist, name).out, StartsWith("sat\n"));
    expect_confirmed(folder() + kMnist, folder() + name);
  }
}

TEST_F(Competition, TimeoutsAreAnAnswer) {
  const Ended ended = run(kAcas + "1_1_batch_2000.onnx.gz", "/acasxu/prop_2.vnnlib.gz", "0.001");
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, "timeout\n");
  EXPECT_EQ(read_text_file(result_), "timeout\n");
}

}  // namespace
}  // namespace verissim::cli
